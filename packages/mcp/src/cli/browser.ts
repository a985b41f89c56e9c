import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Opens an address in the program of `$BROWSER`, else in that of the desktop, without a shell. It lives on when this
 * process ends. Resolves with the program's name, or undefined when it could not be started.
 */
export async function openInBrowser(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const program = environment['BROWSER'] || (process.platform === 'darwin' ? 'open' : 'xdg-open');
  try {
    const child = spawn(program, [url.href], { detached: true, stdio: 'ignore' });
    child.unref();
    await once(child, 'spawn');
    return program;
  } catch {
    return undefined;
  }
}
