/** Variables that every hook gets, if they are set. No credentials, nothing that loads code. */
const usual = [
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'DBUS_SESSION_BUS_ADDRESS',
];

/** The environment of a hook: the usual names, those it was allowed, and what it is called for. */
export function hookEnvironment(options: {
  readonly outer: Readonly<Record<string, string | undefined>>;
  /** Already without places that agents can write. */
  readonly path: string;
  readonly allowed: readonly string[];
  readonly project: string;
  readonly event: string;
}): Record<string, string> {
  const { outer, path, allowed, project, event } = options;
  const env = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(outer)) {
    if (value === undefined) continue;
    if (usual.includes(name) || name.startsWith('LC_') || allowed.includes(name)) env[name] = value;
  }
  return { ...env, PATH: path, CLAUDE_PROJECT_DIR: project, ORCH_HOOK_EVENT: event };
}

/** `$NAME` and `${NAME}` of allowed variables; of all others nothing, as Claude Code does in headers. */
export function expandAllowed(
  text: string,
  allowed: readonly string[],
  outer: Readonly<Record<string, string | undefined>>,
): string {
  return text.replaceAll(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (_whole, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare ?? '';
      if (!allowed.includes(name) || !Object.hasOwn(outer, name)) return '';
      // A line break would begin another header.
      return (outer[name] ?? '').replaceAll(/[\r\n\0]/g, '');
    },
  );
}
