const { read } = process.getBuiltinModule('node:fs');

/** Newer than the oldest Node that we run on (22.15), and on no Windows: makes this process another program. */
const { execve } = process as {
  readonly execve?: (file: string, argv: readonly string[], env: object) => never;
};

let isReading = false;

/**
 * Stdin to its end; more than `mostBytes` are refused. Where the end of this process need not wait for it, a plain
 * read: to load a stream takes as long as all else that `orch hook` does.
 */
export async function readInput(mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const add = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the payload on stdin has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  };
  if (execve === undefined || !(await readFile(add))) await readStream(add);
  return Buffer.concat(chunks).toString('utf8');
}

/** False if nothing is there yet and the file does not wait, so that only a stream can. */
function readFile(add: (chunk: Buffer) => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const buffer = Buffer.allocUnsafe(65_536);
      isReading = true;
      read(0, buffer, 0, buffer.length, null, (error, length) => {
        isReading = false;
        if (error?.code === 'EAGAIN') {
          resolve(false);
          return;
        }
        if (error !== null) {
          reject(error);
          return;
        }
        if (length === 0) {
          resolve(true);
          return;
        }
        try {
          add(buffer.subarray(0, length));
        } catch (cause) {
          reject(cause);
          return;
        }
        next();
      });
    };
    next();
  });
}

/** By its events: to iterate over it loads three times as much of Node. */
function readStream(add: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stdin = openStdin();
    stdin.on('data', (chunk: Buffer) => {
      try {
        add(chunk);
      } catch (cause) {
        reject(cause);
      }
    });
    stdin.on('error', reject);
    stdin.on('end', resolve);
  });
}

/** As `process.stdin` would, which asks first what it is; it is nearly always a socket or a pipe. */
function openStdin(): NodeJS.ReadableStream {
  const { Socket } = process.getBuiltinModule('node:net');
  try {
    return new Socket({ fd: 0, readable: true, writable: false });
  } catch {
    return process.stdin;
  }
}

/** Ends this process at once, also while it reads: Node's own exit waits for a read that has begun. */
export function exit(code: 0 | 2): never {
  if (isReading) execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  process.exit(code);
}
