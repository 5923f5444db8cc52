"""Where targets are: a folder, a branch, an archive, a bucket. Each fills the port `Host`."""
