import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { McpError } from '../mcp-error.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a user's approvals and pins are kept: `ORCH_STATE_DIR`, else `$XDG_STATE_HOME/orch`, else `~/.local/state/orch`. */
export function stateDirectory(environment: Environment = process.env): string {
  const { ORCH_STATE_DIR: own, XDG_STATE_HOME: xdg, HOME: home = homedir() } = environment;
  if (own !== undefined && isAbsolute(own)) return own;
  return xdg !== undefined && isAbsolute(xdg)
    ? join(xdg, 'orch')
    : join(home, '.local', 'state', 'orch');
}

/** True for the directory itself and all below it. */
export function isInside(file: string, directory: string): boolean {
  const way = relative(directory, file);
  return way === '' || (way.split(sep)[0] !== '..' && !isAbsolute(way));
}

/** The text of a file, or undefined if there is none. Throws `ORCH_MCP_STATE` for one that cannot be read. */
export function readPrivate(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new McpError('ORCH_MCP_STATE', `${file} cannot be read. Check whose it is.`, {
      details: { path: file },
      cause,
    });
  }
}

/**
 * Writes a file that is its user's alone (0600): whoever reads sees the old one or the new one, and never a part.
 * `create`: only if there is none yet; false if there is. Throws `ORCH_MCP_STATE`.
 */
export function writePrivate(file: string, text: string, mode: 'replace' | 'create'): boolean {
  const whole = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(whole, text, { mode: 0o600, flag: 'wx', flush: true });
    if (mode === 'replace') renameSync(whole, file);
    else linkSync(whole, file);
    return true;
  } catch (cause) {
    if (mode === 'create' && (cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new McpError('ORCH_MCP_STATE', `${file} cannot be written, so nothing was kept.`, {
      details: { path: file },
      cause,
    });
  } finally {
    rmSync(whole, { force: true });
  }
}
