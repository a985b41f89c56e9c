/**
 * What every git process of ours is told, so that neither a repository nor an agent can make it run
 * anything. Values given this way beat every configuration file.
 */
const neutralConfig: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  // Run by fetch for each alternate; `true` names no refs.
  ['core.alternateRefsCommand', 'true'],
  ['core.askPass', ''],
  ['core.sshCommand', 'false'],
  ['core.gitProxy', 'none'],
  ['core.editor', 'true'],
  ['core.pager', 'cat'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  // All bytes above 127 arrive as octal escapes, so that no path is ever lost in decoding.
  ['core.quotePath', 'true'],
  ['core.logAllRefUpdates', 'true'],
  // A result counts as saved, so it must survive a power cut: loose objects and refs too.
  ['core.fsync', 'committed,reference'],
  ['core.fsyncMethod', 'batch'],
  ['credential.helper', ''],
  ['diff.external', ''],
  ['diff.renameLimit', '2000'],
  ['diff.renames', 'true'],
  ['merge.renames', 'true'],
  ['merge.renameLimit', '7000'],
  ['merge.directoryRenames', 'conflict'],
  ['merge.renormalize', 'false'],
  ['merge.conflictStyle', 'merge'],
  ['commit.gpgSign', 'false'],
  ['log.showSignature', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['protocol.allow', 'never'],
  ['protocol.ext.allow', 'never'],
  // Ownership is git's guard against running what a foreign repository configures: nothing of it is run here.
  ['safe.directory', '*'],
  ['advice.detachedHead', 'false'],
];

/** Arguments that stand before the subcommand. */
export function neutralArguments(
  more: readonly (readonly [string, string])[] = [],
): readonly string[] {
  const given = [...neutralConfig, ...more].flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return ['--no-pager', '--no-replace-objects', ...given];
}

/** The whole environment of a git process. `home` is an empty directory of ours. */
export function neutralEnvironment(path: string, home: string): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    XDG_CONFIG_HOME: home,
    LANG: 'C.UTF-8',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    GIT_EDITOR: 'true',
    GIT_SEQUENCE_EDITOR: 'true',
    GIT_PAGER: 'cat',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    // No transport at all; the one call that reads a clone says `file`.
    GIT_ALLOW_PROTOCOL: '',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_DISCOVERY_ACROSS_FILESYSTEM: '1',
  };
}
