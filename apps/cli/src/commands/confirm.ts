import { createInterface } from 'node:readline';

/** Asks on the terminal; only a yes is a yes, and so is no question. Ctrl-C and Ctrl-D are a no. */
export function confirm(question: string | undefined): Promise<boolean> {
  if (question === undefined) return Promise.resolve(true);
  // The kernel's own line editing is enough for one letter, and leaves the terminal as it is.
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: false,
  });
  const refuse = (): void => terminal.close();
  process.once('SIGINT', refuse);
  return new Promise((resolve) => {
    let answer: string | undefined;
    terminal.on('close', () => {
      process.off('SIGINT', refuse);
      if (answer === undefined) process.stdout.write('\n');
      resolve(/^y(?:es)?$/i.test((answer ?? '').trim()));
    });
    terminal.question(question, (text) => {
      answer = text;
      terminal.close();
    });
  });
}
