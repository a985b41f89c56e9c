import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalEvents, orch, orchProgram } from '../harness/orch.js';
import { makeRepository, type TestRepository } from '../harness/repository.js';
import { terminalScreen } from '../harness/terminal-screen.js';
import { closeTerminals, openTerminal } from '../harness/terminal.js';
import { processesWith, until } from '../harness/witness.js';

let repository: TestRepository;
let go: string;
beforeEach(() => {
  repository = makeRepository();
  go = path.join(repository.home, 'go');
});
afterEach(async () => {
  await closeTerminals();
  repository.remove();
});

const tasks = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `task-${index + 1}`);

/** Commands that say a long line and wait until they may go on. */
function plan(count: number): void {
  const value = {
    version: 1,
    name: 'waiting',
    limits: { parallel: 12 },
    tasks: tasks(count).map((id) => ({
      id,
      env: { GO: go },
      sh: `echo ${'many words '.repeat(20)}; while [ ! -e "$GO" ]; do sleep 0.05; done; echo done > ${id}.txt`,
      effect: 'diff',
    })),
  };
  repository.write({ 'orch.yaml': JSON.stringify(value) });
  repository.commit('A plan');
}

const run = ['run', 'orch.yaml', '--yes'];
const running = (line: string): boolean => line.startsWith('● ');
const footer = (line: string): boolean => / \d+\/\d+ ended · /.test(line);
const allWait = (count: number) => () =>
  tasks(count).every((id) => processesWith('ORCH_TASK', id).length > 0);

describe('the live view', () => {
  it('never has more rows than the terminal, and leaves nothing of itself when it ends', async () => {
    plan(10);
    const terminal = openTerminal(repository, run, { columns: 60, rows: 8 });
    await until('ten tasks run', allWait(10));
    await until('the screen says so', () =>
      terminal.screen.visible().some((line) => line.includes('10 running')),
    );
    const visible = terminal.screen.visible();
    expect(visible.filter(footer)).toHaveLength(1);
    expect(visible.filter(running).length).toBeGreaterThan(0);
    expect(visible.join('\n')).toMatch(/and \d+ more/);
    for (const line of visible) expect(line.length).toBeLessThan(60);
    expect(terminal.screen.cursorVisible).toBe(false);

    writeFileSync(go, '');
    expect(await terminal.finished).toBe(0);
    const lines = terminal.screen.lines();
    expect(lines.filter((line) => running(line) || footer(line))).toEqual([]);
    for (const id of tasks(10))
      expect(lines.filter((line) => line.startsWith(`✔ ${id} `))).toHaveLength(1);
    expect(lines.join('')).toContain('10/10 succeeded');
    expect(terminal.screen.cursorVisible).toBe(true);
  });

  it('follows the terminal to another size, and leaves nothing of the old one', async () => {
    plan(6);
    const terminal = openTerminal(repository, run, { columns: 100, rows: 30 });
    await until('six tasks run', allWait(6));
    // Rows are cut by orch, never broken by the terminal: each ends with the ellipsis in its place.
    const shows = (count: number, columns: number) => () => {
      const visible = terminal.screen.visible();
      const rows = visible.filter(running);
      return (
        rows.length === count &&
        rows.every((line) => line.length === columns - 1 && /many.*…$/.test(line)) &&
        visible.some((line) => line.includes('/6 ended'))
      );
    };
    await until('all of them are shown', shows(6, 100));
    terminal.resize(44, 30);
    await until('they are shown in fewer columns', shows(6, 44));
    terminal.resize(90, 9);
    await until('they are shown in fewer rows', shows(6, 90));
    terminal.resize(120, 30);
    await until('all of them are shown again', shows(6, 120));
    writeFileSync(go, '');
    expect(await terminal.finished).toBe(0);
    expect(terminal.screen.lines().filter((line) => running(line) || footer(line))).toEqual([]);
  });

  it('gives the cursor back when orch is ended by a signal or by a defect', async () => {
    plan(2);
    const broken = path.join(repository.home, 'defect.mjs');
    const crash = path.join(repository.home, 'crash');
    // A defect of our own making inside the process, while the view is on the screen.
    writeFileSync(
      broken,
      `import { existsSync } from 'node:fs';
setInterval(() => { if (existsSync(${JSON.stringify(crash)})) throw new Error('a defect'); }, 20).unref();`,
    );
    const terminal = openTerminal(repository, run, {
      env: { NODE_OPTIONS: `--import=${broken}` },
    });
    await until('two tasks run', allWait(2));
    await until('the cursor is hidden', () => !terminal.screen.cursorVisible);
    writeFileSync(crash, '');
    expect(await terminal.finished).not.toBe(0);
    expect(terminal.screen.lines().join('\n')).toContain('a defect');
    expect(terminal.screen.cursorVisible).toBe(true);
  });

  it('the screen of the test sees leftovers: a view that forgets to go up leaves rows', () => {
    const screen = terminalScreen(40, 6);
    const frame = (up: boolean): string => `${up ? '\r\u001b[2A' : ''}● one\r\n  0/1 ended · x\r\n`;
    screen.write(frame(false) + frame(true));
    expect(screen.lines().filter(footer)).toHaveLength(1);
    screen.write(frame(false));
    expect(screen.lines().filter(footer)).toHaveLength(2);
    expect(() => screen.write('\u001b]0;title\u0007')).toThrow(/unknown control/);
  });
});

describe('where nobody looks at a terminal', () => {
  const escape = '\u001b';

  it.each([
    ['TERM=dumb', { TERM: 'dumb' }],
    ['CI', { CI: 'true', NO_COLOR: '1' }],
  ])('%s gets plain lines, each with its task', async (_name, env) => {
    plan(2);
    writeFileSync(go, '');
    const terminal = openTerminal(repository, run, { env, columns: 200 });
    expect(await terminal.finished).toBe(0);
    expect(terminal.bytes()).not.toContain(escape);
    expect(terminal.screen.lines().some((line) => line.startsWith('[task-1] many words'))).toBe(
      true,
    );
  });

  it('a pipe gets plain lines without colours, FORCE_COLOR colours them, NO_COLOR a terminal not', async () => {
    plan(1);
    writeFileSync(go, '');
    const plain = await orch(repository, run);
    expect(plain.stdout).not.toContain(escape);
    expect(plain.stdout).toMatch(/^\[task-1\] many words/m);
    const forced = await orch(repository, ['status'], { env: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain(`${escape}[32m✔${escape}[39m task-1`);
    const both = await orch(repository, ['status'], { env: { FORCE_COLOR: '0' } });
    expect(both.stdout).not.toContain(escape);
    const colored = openTerminal(repository, ['status']);
    await colored.finished;
    expect(colored.bytes()).toContain(escape);
    const without = openTerminal(repository, ['status'], { env: { NO_COLOR: '1' } });
    await without.finished;
    expect(without.bytes()).not.toContain(escape);
  });

  it('a reader that goes away is no failure: `status | head -1`, and `run | head -3` ends well', async () => {
    plan(3);
    writeFileSync(go, '');
    const shell = async (line: string): Promise<string> => {
      const child = spawn(
        'bash',
        ['-c', `set -o pipefail; ${line}; echo "exit \${PIPESTATUS[0]}"`],
        {
          cwd: repository.root,
          env: {
            PATH: process.env['PATH'] ?? '',
            HOME: repository.home,
            ORCH_STATE_DIR: repository.state,
            ORCH: `${process.execPath} ${orchProgram}`,
          },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
      await new Promise((resolve) => child.on('close', resolve));
      return text;
    };
    const started = await shell('$ORCH run orch.yaml --yes | head -3');
    expect(started.trimEnd().split('\n')).toHaveLength(4);
    expect(started).toContain('exit 0');
    expect(journalEvents(repository).at(-1)).toMatchObject({
      type: 'run.ended',
      outcome: 'succeeded',
    });
    expect(await shell('$ORCH status | head -1')).toMatch(/succeeded\nexit 0\n$/);
    // A full disk is a failure, unlike a reader that has seen enough.
    expect(await shell('$ORCH status > /dev/full; false | true')).toBeDefined();
    expect(
      await shell(
        '{ $ORCH status > /dev/full; } 2>&1 | cat; [ ${PIPESTATUS[0]} = 7 ] && echo full',
      ),
    ).toContain('full');
  });
});

describe('what others wrote', () => {
  /** Each would act on a terminal, hide something, or pass for a line of ours. */
  const payloads = [
    '\u001b[2J\u001b[Hcleared',
    '\u001b]0;title\u0007',
    '\u001b]8;;https://example.org\u001b\\link\u001b]8;;\u001b\\',
    '\u001b]52;c;Y2xpcGJvYXJk\u0007',
    '\u009b31mred',
    'over\rwritten',
    '\u202egnp.exe',
    '\u001b[?1049h',
    '\u001bPq#0\u001b\\',
    'a\u0000b\u0008\u0008c',
    '9/9 succeeded · 4 gates · $0.00 · 1s · merged 9 · 0 processes left (process group)',
    '✔ evil merged',
    '::error::workflow command',
    '##[error]pipeline command',
  ];
  const acts = new RegExp('[^\\P{Cc}\\n\\t]|\\p{Bidi_Control}|##\\[', 'u');
  const forged = /^(?:9\/9 succeeded|✔ evil|\s*::error::)/m;

  it('reaches no terminal and no log: run, status, why, logs, and --json keeps it whole', async () => {
    const program = path.join(repository.home, 'say.cjs');
    const text = `${payloads.join('\n')}\n`;
    // The negative control: printed as it is, all of it is there.
    expect(acts.test(text)).toBe(true);
    expect(forged.test(text)).toBe(true);
    writeFileSync(program, `process.stdout.write(${JSON.stringify(text)}); process.exitCode = 1;`);
    const value = {
      version: 1,
      name: 'hostile',
      gates: { loud: { run: [process.execPath, program] } },
      tasks: [
        { id: 'says', run: [process.execPath, program], on_failure: 'continue' },
        { id: 'checked', sh: 'echo x > x.txt', effect: 'diff', gates: ['loud'] },
      ],
    };
    repository.write({ 'orch.yaml': JSON.stringify(value) });
    repository.commit('A plan');
    const shown = [
      await orch(repository, run),
      await orch(repository, ['status']),
      await orch(repository, ['why', 'says']),
      await orch(repository, ['why', 'checked']),
      await orch(repository, ['logs', 'says']),
    ];
    for (const { stdout, stderr } of shown) {
      expect(stdout + stderr).not.toMatch(acts);
      expect(stdout + stderr).not.toMatch(forged);
    }
    expect(shown[3]?.stdout).toContain('│ ✔ evil merged');
    expect(shown[4]?.stdout).toContain('✔ evil merged');

    const log = (await orch(repository, ['logs', 'says', '--json'])).stdout;
    expect(log).not.toMatch(/[^\P{Cc}\n\t]|\p{Bidi_Control}/u);
    const said = log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; data: { text?: string } })
      .flatMap(({ kind, data }) => (kind === 'output' ? [data.text ?? ''] : []))
      .join('\n');
    for (const payload of payloads.filter((one) => !one.includes('\r')))
      expect(said).toContain(payload);

    const terminal = openTerminal(repository, ['logs', 'says']);
    // The screen of the test fails at every sequence that is not ours.
    expect(await terminal.finished).toBe(0);
  });
});
