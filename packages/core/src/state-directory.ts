import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The user's state directory, outside every repository: workspaces, agents' configuration directories.
 * `ORCH_STATE_DIR`, else `$XDG_STATE_HOME/orch`, else `~/.local/state/orch`.
 */
export function stateDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const explicit = environment['ORCH_STATE_DIR'];
  if (explicit) return path.resolve(explicit);
  const xdg = environment['XDG_STATE_HOME'];
  const base =
    xdg !== undefined && path.isAbsolute(xdg)
      ? xdg
      : path.join(environment['HOME'] || homedir(), '.local', 'state');
  return path.join(base, 'orch');
}
