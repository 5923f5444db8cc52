"""The one list of rules: what each demands, why it exists, and how to satisfy it. The reference, SARIF and reports are made from it."""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """What a rule demands, why, and what to do where it is broken: markdown, a sentence or two each."""

    demands: str
    why: str
    how: str


#: Where readers find the project: its documentation is read in its repository.
HOME: Final = "https://github.com/index-builder/index-builder"


def page_of(rule: str) -> str:
    """Return the URL of a rule's place in the reference."""
    return f"{HOME}/blob/main/docs/reference/rules.md#{rule}"


RULES: Final[dict[str, Rule]] = {
    # the tree
    "tree-mode": Rule(
        "Files of the index are ordinary files: no executables, symbolic links or submodules.",
        "A link or submodule makes a path mean what another repository or machine says; an executable has no use here.",
        "Put an ordinary file in its place: `chmod -x FILE`, or a copy instead of the link.",
    ),
    "tree-stray": Rule(
        "`packages.d/` and `policies.d/` hold YAML files that end in `.yaml`, and nothing else but README.md.",
        "A file that is not read looks as if it counted. A manifest that ends in `.yml` would be missed in silence.",
        "Rename it to `NAME.yaml`, or move it out of the folder.",
    ),
    "tree-collision": Rule(
        "No two paths are one after case folding and Unicode normalization.",
        "On macOS and Windows the two are one file: a checkout would have only one of them.",
        "Rename one of the two.",
    ),
    "tree-path": Rule(
        "Paths of the index have letters, digits, `.`, `_`, `+` and `-`, at most 8 folders deep and 250 characters long.",
        "A path with other characters is one thing to git, another to a file system, and a line of its own to CODEOWNERS.",
        "Rename the folder or file.",
    ),
    "tree-missing": Rule(
        "An index repository has `index.yaml` and `packages.d/`.",
        "Without them there is nothing to build.",
        "`index-builder init` writes them; `--repo DIR` names another folder.",
    ),
    "theme": Rule(
        "`templates/theme/` holds templates that extend built-in pages for people, `theme.css`, `logo.svg`, and README.md, nothing else.",
        "A template of another name is used by no page; one that extends nothing would take away what a new version adds.",
        'Begin it with `{% extends "web/PAGE.html" %}`, and override blocks: the how-to about the pages shows one.',
    ),
    # YAML
    "yaml-encoding": Rule(
        "Files are UTF-8 without byte order mark or control characters.",
        "Bytes that editors hide or guess at would be read in two ways.",
        "Save the file as UTF-8 without a byte order mark, and delete control characters.",
    ),
    "yaml-size": Rule(
        "A file has at most 4 MiB.",
        "A file that takes minutes to parse stops everybody's build.",
        "Split it, or remove releases that nobody needs.",
    ),
    "yaml-depth": Rule(
        "Nothing nests deeper than 32 levels.",
        "Deep nesting is how parsers are brought down; no file here needs it.",
        "Write it flat, as the [keys](keys.md) are.",
    ),
    "yaml-syntax": Rule(
        "Files are well-formed YAML with one document.",
        "What cannot be parsed cannot be judged.",
        "Look at the marked place: most often a colon, a quote or the indentation.",
    ),
    "yaml-duplicate-key": Rule(
        "A key stands once in its mapping.",
        "Parsers differ in which of the two counts, so readers and builder would see different files.",
        "Delete one of the two.",
    ),
    "yaml-alias": Rule(
        "No anchors, aliases or merge keys.",
        "An alias changes in one place what is read in another, and a few lines of them can unfold to gigabytes.",
        "Write the value out.",
    ),
    "yaml-tag": Rule(
        "No explicit tags.",
        "A tag gives a value a type that the schema does not know.",
        "Delete the word that begins with `!`.",
    ),
    # the schema
    "schema-version": Rule(
        "`schema:` says which form the file has, one that this builder reads.",
        "A builder must not guess at a form that it does not know.",
        "Write the number that the [keys](keys.md) give, or use a newer builder.",
    ),
    "schema-outdated": Rule(
        "A file has the present form; older ones are read too, until they are migrated.",
        "Older forms are read as long as somebody has them, and are one more thing to know.",
        "`index-builder migrate`.",
    ),
    "unknown-key": Rule(
        "Only the keys of the schema are used.",
        "A misspelled key that is passed over in silence does not do what its author believes.",
        "Correct it: the nearest key is named.",
    ),
    "missing-key": Rule(
        "Required keys are there.",
        "Nothing sensible can be assumed in its place.",
        "Add it; the [keys](keys.md) have an example of each.",
    ),
    "invalid-value": Rule(
        "Values have the form that the schema gives them.",
        "What is of the wrong form would fail later, where its line is not known any more.",
        "Write it as the [keys](keys.md) show it; quotes never change a value here.",
    ),
    # a manifest
    "name-file": Rule(
        "A manifest's file is called by the normalized name of its project.",
        "The folder's listing is the list of projects: who looks for one finds it by its name.",
        "Rename the file to the normalized name, as the fix says.",
    ),
    "name-unique": Rule(
        "A project has one manifest.",
        "Two manifests of a project would be two truths.",
        "Keep one; move releases from the other into it.",
    ),
    "version-invalid": Rule(
        "Versions are valid by PEP 440.",
        "Installers pass over what is no version by PEP 440.",
        "Write it as the file names have it.",
    ),
    "version-spelling": Rule(
        "A version is spelled in one way in a manifest.",
        "`1.0` and `1.0.0` are one version; a release would be split in two.",
        "Join the two releases.",
    ),
    "file-name": Rule(
        "A file's name is a wheel's or sdist's name of its project and version.",
        "Installers read project, version and tags from the name: a wrong one installs something else, or nothing.",
        "List it in the release, and in the manifest, that its name gives.",
    ),
    "file-unique": Rule(
        "A file name is listed once, and never again after it was removed.",
        "A name stands for one file for ever: clients cache and lock by it.",
        "Keep one; what was removed comes back only as a new version.",
    ),
    "url-file-name": Rule(
        "A linked file's URL ends with its file name, because pip takes the name from there.",
        "pip takes the file's name from its URL, and not from the page.",
        "Link to a URL whose last part is the file name.",
    ),
    "file-origin": Rule(
        "A file has exactly one origin: `url`, `index` or `stored`.",
        "With two places, nobody knows which one is meant; with none, there is nothing to fetch.",
        "Keep exactly one of `url`, `index`, `stored`.",
    ),
    "hosting-origin": Rule(
        "`stored: true` goes with `hosting: hosted`, and nothing else does.",
        "`hosted` promises that the bytes only ever came to us, which a URL contradicts.",
        "Use `hosting: mirrored` for files of elsewhere, `stored: true` for hosted ones.",
    ),
    "sdist-single": Rule(
        "A hosted release has one sdist, named as PEP 625 says.",
        "Installers choose one sdist of a release, and not all the same one.",
        "Keep the one that is named as PEP 625 says.",
    ),
    "requires-python": Rule(
        "`requires-python` is a valid set of version specifiers.",
        "Installers pass over a file whose specifiers they cannot read.",
        "Copy it from the file's core metadata, or let `index-builder add` write the entry.",
    ),
    "no-releases": Rule(
        "A project lists at least one release, or says what was removed.",
        "An empty project is a mistake, or a name taken for later.",
        "`index-builder add`, or delete a manifest that never listed a file.",
    ),
    "audience-missing": Rule(
        "Where the index has more than one audience, a manifest names its own.",
        "Where there are several audiences, silence must not publish a private project to all.",
        "Add `audiences: [...]`.",
    ),
    "audience-unknown": Rule(
        "Audiences that a manifest, a rule or `index.yaml` names are those of `index.yaml`.",
        "A misspelled audience would hide a project from everybody who should see it.",
        "Use a name of `index.yaml`, or declare it there.",
    ),
    "audience-exposed": Rule(
        "An audience that is not for everybody is published where readers must say who they are.",
        "Pages of GitHub are everybody's, unless the repository's plan lets them be private, and releases are for whoever sees their "
        "repository; no policy is asked there.",
        "Publish it to a folder or bucket behind a host that `index-builder host-config` configures, or set the visibility of Pages.",
    ),
    "audience-narrowed": Rule(
        "Who saw a project goes on seeing it.",
        "What somebody could download cannot be made secret again: it is in their caches, their mirrors and their lock files; and files "
        "stay for whoever knows their address until the target's `grace:` is over and a publication ran after that.",
        "Nothing, where it is meant: it is withdrawn. Treat what it held as known; keys in it are to be replaced.",
    ),
    "audience-shared": Rule(
        "Each audience has its files in a place of its own.",
        "On a shared bucket or folder, whoever may read one audience could ask for the files of another by their digest; on branches of "
        "one repository, by its history.",
        "Give each audience its own `files:` and its targets their own `url:`, `path:` or `repository:`, none of them inside another's.",
    ),
    "target-unseen": Rule(
        "An archive's audience has a `url:`.",
        "A machine that publishes begins with nothing: without asking what is live, a rollback would not hold, files that readers are "
        "on their way to would go at once, and each publication would write everything.",
        "Write `url:`, ending in a slash, where readers get the tree.",
    ),
    "previews-shared": Rule(
        "Previews of pull requests are at a place, and a host name, of their own.",
        "What nobody has merged yet would be taken for the index: by readers, by whoever copies it, and by a browser that lets one page "
        "of a host read the others.",
        "Give `previews:` a bucket or folder of its own, and a `site:` with another host name.",
    ),
    "target-left": Rule(
        "A target that was published to is published to.",
        "Nobody updates it any more, and it goes on serving what it has.",
        "Delete what is there, with its history or versions, once nobody needs it.",
    ),
    "upstream-unknown": Rule(
        "Upstream indexes are those of `index.yaml`.",
        "Nobody knows where that index is.",
        "Add it to `upstreams:` in `index.yaml`.",
    ),
    "owner-unknown": Rule(
        "Owners are people or groups of `policies.d/`, where that declares any.",
        "An owner whom nobody declares can approve nothing, so the project is nobody's.",
        "Correct the name, or declare it in `policies.d/`.",
    ),
    # index.yaml and policies
    "include-cycle": Rule(
        "An audience does not include itself, directly or in a circle.",
        "Who includes whom must end somewhere.",
        "Break the circle in `index.yaml`.",
    ),
    "trust-invalid": Rule(
        "What `trust/` holds of an audience is as a ceremony makes it.",
        "Names, numbers and keys of it are followed when the index is signed: what somebody wrote by hand would lead elsewhere.",
        "Take the file from git's history, and find out who changed it.",
    ),
    "trust-private-key": Rule(
        "No private key is under `trust/`.",
        "Git keeps what was committed once, for everybody who has a clone: the key is theirs, however soon the file goes.",
        "Take the file out, and replace the key with `index-builder keys rotate`.",
    ),
    "trust-unsigned": Rule(
        "Every version of root, targets and bins is signed by as many people as must.",
        "The index is not signed under it, nor are its signatures renewed: after three days, clients refuse it.",
        "Let those who are named sign with `index-builder keys sign`, on the branch, before it is merged.",
    ),
    "target-duplicate": Rule(
        "Each target of `publish:` has its own name and its own place.",
        "Two targets in one place would each undo what the other did, and two of one name could not be told apart.",
        "Give each its own.",
    ),
    "principal-unknown": Rule(
        "People and groups that a rule or a group names are declared.",
        "A grant to somebody whom nobody declares grants nothing; a deny denies nothing.",
        "Correct the name, or declare it.",
    ),
    "principal-duplicate": Rule(
        "A name, rule or account is declared once in all of `policies.d/`, and is no reserved word.",
        "Two accounts under one name, or one human under two, would make one approval count as two.",
        "Keep one.",
    ),
    "group-cycle": Rule(
        "A group does not contain itself, directly or in a circle.",
        "Who is in a group must be known.",
        "Break the circle.",
    ),
    # a package list
    "package-list": Rule(
        "Each line of a package list names a file whose project and version can be read, and says what is true of it once.",
        "A line that is passed over is a file that is missing from the index, noticed by whoever needs it.",
        "Correct the line; `--keep-going` builds the rest.",
    ),
    # bytes
    "bytes-not-reachable": Rule(
        "The bytes of every listed file can be had from its origin, the pool or the inbox; of a new file, its origin itself is asked.",
        "A page must not link to what is not there, and whoever hands bytes in could say that they are anybody's.",
        "Hand the bytes in with `index-builder pool push`, or correct the origin.",
    ),
    "release-name": Rule(
        "Where an audience's files are assets of releases, their names have only letters, digits, `.`, `_` and `-`.",
        "GitHub rewrites other characters, and installers take a file's name from its URL.",
        "Keep that audience's files in a bucket: `files:` instead of `releases:`.",
    ),
    "release-size": Rule(
        "Where an audience's files are assets of releases, each is smaller than 2 GiB.",
        "GitHub takes no larger asset, and pages would link to nothing.",
        "Keep that audience's files in a bucket: `files:` instead of `releases:`.",
    ),
    "release-full": Rule(
        "A release holds 1,000 assets: files, and core metadata beside them.",
        "What does not fit could not be uploaded, and pages would link to nothing.",
        "Send the file to another release with `overflow:`, as the message says.",
    ),
    "digest-differs": Rule(
        "Bytes have the digest and size that the manifest pins.",
        "Other bytes than were reviewed are an attack, or an upstream that changed a release.",
        "Find out which before you change anything here: the digest is what people trust.",
    ),
    "requires-python-differs": Rule(
        "`requires-python` is what the file's core metadata says.",
        "Installers that read the page and those that read the file would choose differently.",
        "Write what the fix says, or add the file anew.",
    ),
    "core-metadata-differs": Rule(
        "`metadata` is the digest of the core metadata in the file.",
        "Resolvers read the core metadata instead of the file, and would install something else than they resolved.",
        "Write the digest that the fix gives.",
    ),
    "uploaded-differs": Rule(
        "`uploaded` is the upload time that the upstream index gives.",
        "Clients that wait before they install something new go by the upload time.",
        "Write the time that the fix gives.",
    ),
    "dependency-missing": Rule(
        "What a project depends on can be got here too, by everybody who sees the project.",
        "Ours is meant to be a client's only index: what is not here cannot be installed.",
        "`index-builder add --with-dependencies`, or let more readers see what is here.",
    ),
    # a change, against its base
    "merge-conflict": Rule(
        "A change goes together with what its base became meanwhile.",
        "Nobody can say what the merge would be.",
        "Merge or rebase onto the base, and decide line by line.",
    ),
    "base-unreadable": Rule(
        "The base's own manifest can be read, so that what was published is known.",
        "What was published before cannot be compared, so nothing shows that it stays.",
        "Mend the manifest in a change of its own; an administrator may let it pass.",
    ),
    "manifest-deleted": Rule(
        "A manifest that ever listed a file is never deleted.",
        "Tombstones keep names from coming back with other bytes; without the manifest there are none.",
        "`git checkout BASE -- FILE`, then `index-builder remove PROJECT --reason TEXT`.",
    ),
    "file-removed": Rule(
        "A file leaves only by a tombstone of the same name and digest.",
        "Lock files name this file; who has one is owed the reason, and the name must stay taken.",
        "Put the lines back, then `index-builder remove PROJECT VERSION --reason TEXT`.",
    ),
    "file-immutable": Rule(
        "A published file keeps its digest, size, upload time and core metadata.",
        "Clients lock digests: other bytes under the same name break them, or worse, do not.",
        "Put the old facts back, and release other bytes as another version.",
    ),
    "tombstone-kept": Rule(
        "Tombstones stay as they are.",
        "It is the only thing that keeps a name from coming back.",
        "Put it back as it was; only its reason may change.",
    ),
    "tombstone-returns": Rule(
        "A name that was removed never comes back.",
        "Who has the old file locked, or cached, would get another one.",
        "Release a new version.",
    ),
    "uploaded-future": Rule(
        "No file was uploaded in the future.",
        "Clients that wait for new files to age would never install it.",
        "`index-builder stamp --base BASE`.",
    ),
    "uploaded-old": Rule(
        "A new file's upload time is that of adding it, or its upstream index's own.",
        "A back-dated file passes the waiting time of careful clients on its first day.",
        "`index-builder stamp --base BASE`; for an imported index, an administrator may let it pass.",
    ),
    "name-similar": Rule(
        "A new name is not easily taken for another, here or among those that many people know.",
        "People mistype, and attackers register what they type. `l`, `1` and `i`, `o` and `0`, `rn` and `m`, `vv` and `w`, `cl` and `d`, "
        "and separators look alike.",
        "Choose another name, or ask an administrator to approve it; `names:` in `policies.d/` sets how near is too near.",
    ),
    "name-stdlib": Rule(
        "A new name is not that of a module of the standard library.",
        "`pip install asyncio` gets whatever is called so, where the module is built in.",
        "Choose another name, or ask who administers the index.",
    ),
    "name-upstream": Rule(
        "A new project that is our own has a name that the upstream indexes do not have, and an old one does not begin to mix in theirs.",
        "With two indexes configured, installers take the higher version of either: dependency confusion.",
        "Choose a name with your prefix, take the project from the upstream, or ask an administrator; clients should use one index only.",
    ),
    "source-empty": Rule(
        "What a new or changed `source` names is there, and has files of the project.",
        "It would be found out only when a release does not come.",
        "Correct it; `index-builder bump NAME --dry-run` shows what it finds.",
    ),
    "requires-python-unmet": Rule(
        "Some Python fits a new file's `requires-python`.",
        "Nobody can install it.",
        "Correct `requires-python` in the project, and release anew.",
    ),
    "sample-unresolved": Rule(
        "What `resolve.d/` asks for can be resolved after a change, where it could before.",
        "What people install together must go on installing.",
        "Add what is missing, or change the sample.",
    ),
    "version-order": Rule(
        "A new release is newer than those that are there.",
        "It is said, because it is often a slip; old branches are released too.",
        "Nothing, where it is meant.",
    ),
    "provenance-invalid": Rule(
        "Attestations verify, and are of the file that they come with.",
        "An attestation that fails says that something was swapped: the file, or the attestation.",
        "Fetch both anew from the source; do not publish before it verifies.",
    ),
    "provenance-publisher": Rule(
        "New files are attested by a publisher that the manifest declares, where it declares any.",
        "A valid signature of somebody else proves that somebody else built it.",
        "Declare the publisher under `publishers:` in a change of its own, or let an administrator approve this one.",
    ),
    "provenance-lost": Rule(
        "Once a project had provenance, its new files have it.",
        "A release that skips the workflow is how stolen accounts publish.",
        "Publish by the workflow; or let an administrator approve it once.",
    ),
    "policy-lockout": Rule(
        "Somebody can administer the index.",
        "Nobody could undo it.",
        "Keep a rule for every project that grants `administer`, and require no more approvals than people other than the doer can give.",
    ),
    "policy-orphan": Rule(
        "Somebody can go on with each project.",
        "A project that nobody may touch cannot even be yanked.",
        "Transfer it first, or keep a rule for it.",
    ),
    "codeowners-stale": Rule(
        "A CODEOWNERS file that was generated from the policies is what they say now.",
        "The wrong people are asked for a review.",
        "`index-builder policy codeowners --write`.",
    ),
    "policy-matches-nothing": Rule(
        "A new rule or reservation speaks of projects that are there.",
        "A misspelled pattern protects nothing.",
        "Correct it; for projects that are still to come, an administrator's approval says so.",
    ),
    # inside a wheel or sdist
    "archive-format": Rule(
        "An archive is one plain ZIP or compressed tar, readable in one way.",
        "What two tools unpack differently is reviewed as one thing and installed as another.",
        "Build it with a usual build backend.",
    ),
    "archive-two-readings": Rule(
        "Nothing before, after or between the members, and no member twice.",
        "Bytes beside the members, or a member twice: pip and uv read different files.",
        "Build it anew.",
    ),
    "archive-member-name": Rule(
        "Member names stay inside the archive's folder and have no control characters.",
        "A name with `..` or a drive writes where it must not.",
        "Build it anew with plain relative names.",
    ),
    "archive-member-type": Rule(
        "Members are files and folders; links stay inside; no devices or sparse files.",
        "Links and devices lead out of the folder that is unpacked.",
        "Build it without them.",
    ),
    "archive-bomb": Rule(
        "Content does not unpack to more than 64 MiB and 50 times its size.",
        "A few kilobytes that unpack to gigabytes bring a machine down.",
        "Leave out what is so compressible, or ship it apart.",
    ),
    "wheel-dist-info": Rule(
        "A wheel has one .dist-info folder, named after its project and version.",
        "Installers take name and version from this folder, and not all the same one of two.",
        "Build it anew.",
    ),
    "wheel-record": Rule(
        "RECORD lists every member with its digest.",
        "RECORD is what an installed file is checked and uninstalled by.",
        "Build it anew; do not edit wheels by hand.",
    ),
    "wheel-tags": Rule(
        "The tags in WHEEL are those of the file name.",
        "The name promises what WHEEL does not: it would be chosen where it cannot run.",
        "Rename it with `wheel tags`, or build it anew.",
    ),
    "wheel-entry-points": Rule(
        "entry_points.txt can be parsed and script names are plain.",
        "Installers write a program for each script name, wherever that leads.",
        "Use plain names in `entry_points.txt`.",
    ),
    "wheel-data-descriptor": Rule(
        "Members' sizes stand in their local headers.",
        "Readers that stream cannot know where such a member ends.",
        "Build it with a usual backend.",
    ),
    "sdist-layout": Rule(
        "An sdist has one root folder with one PKG-INFO.",
        "Which PKG-INFO counts must not be a question.",
        "Build it anew.",
    ),
    "sdist-name": Rule(
        "An sdist is a .tar.gz named as PEP 625 says.",
        "Installers read project and version from the name.",
        "Build it with a backend that follows PEP 625.",
    ),
    "metadata-invalid": Rule(
        "Core metadata is valid: UTF-8, each single-use field once, requirements and specifiers that parse.",
        "Resolvers stop at core metadata that they cannot read, or pass over the file.",
        "Correct the project's own metadata, and build anew.",
    ),
    "metadata-name": Rule(
        "Core metadata names the project and version of the file name.",
        "A file that says it is another project is a mistake or a trick.",
        "List it in the manifest of the project that it is.",
    ),
}
