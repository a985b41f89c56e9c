import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chainStart, openWriter } from '../../src/index.js';
import { useCompiledSource } from '../compile-source.js';
import { temporaryDirectory } from '../temporary-directory.js';

const compiled = useCompiledSource();

function start(argv: readonly string[], node: readonly string[] = []) {
  const child = spawn(process.execPath, [...node, compiled('main.js'), ...argv]);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function run(argv: readonly string[], input: string | Buffer = '') {
  const child = start(argv);
  child.stdin.on('error', () => undefined).end(input);
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: child.exitCode, out, err };
}

const damaged = '{"n":1}\n{"n":2,"te{"n":3,"big":12345678901234567890}\n{"n":4}\noops\n';

describe('orch-jsonl', () => {
  it('verify reports each fault with its range; 0 for a healthy file, 1 for a damaged one', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), damaged);
    const found = await run(['verify', at('a.jsonl')]);
    expect(found).toMatchObject({ code: 1, err: '' });
    expect(found.out).toContain('glued             line 2, bytes 8-18\n');
    expect(found.out).toContain('3 records, 4 lines');
    const json = await run(['verify', '--json', '-'], damaged);
    expect(
      json.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { kind: 'glued', byteStart: 8, byteEnd: 18, line: 2 },
      { kind: 'not_json', byteStart: 61, byteEnd: 65, line: 4 },
      { healthy: false, records: 3, lines: 4, bytes: 66, kinds: { glued: 1, not_json: 1 } },
    ]);
    expect(await run(['verify', '-'], '1\r\n')).toMatchObject({ code: 0 });
    expect((await run(['verify', '--live', '-'], '1\n{"n')).code).toBe(0);
    expect((await run(['verify', '-'], '1\n{"n')).code).toBe(1);
  });

  it('verify --chain finds a change that leaves valid JSON', async () => {
    const at = temporaryDirectory();
    const writer = await openWriter(at('a.jsonl'), { chain: { previous: chainStart } });
    for (let n = 0; n < 5; n += 1) await writer.append({ n });
    await writer.close();
    const whole = await run(['verify', '--chain', 'start', at('a.jsonl')]);
    expect(whole.code).toBe(0);
    expect(whole.out).toContain(`head ${writer.head}`);
    writeFileSync(at('a.jsonl'), readFileSync(at('a.jsonl'), 'utf8').replace('"n":3', '"n":7'));
    expect((await run(['verify', at('a.jsonl')])).code).toBe(0);
    const changed = await run(['verify', '--chain', 'start', at('a.jsonl')]);
    expect(changed.code).toBe(1);
    expect(changed.out).toContain('chain broken: hash_mismatch');
    writeFileSync(at('a.jsonl.gz'), gzipSync(readFileSync(at('a.jsonl'))));
    expect((await run(['verify', '--chain', 'start', at('a.jsonl.gz')])).code).toBe(1);
  });

  it('repair writes a new file and a quarantine file', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), damaged);
    expect(await run(['repair', at('a.jsonl'), '--to', at('b.jsonl')])).toMatchObject({ code: 0 });
    expect(readFileSync(at('b.jsonl'), 'utf8')).toBe(
      '{"n":1}\n{"n":3,"big":12345678901234567890}\n{"n":4}\n',
    );
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe(damaged);
    expect(existsSync(at('b.jsonl.quarantine.jsonl'))).toBe(true);
    const again = await run(['repair', at('a.jsonl'), '--to', at('b.jsonl'), '--json']);
    expect(again.code).toBe(7);
    expect(again.err).toContain('exists already');
  });

  it('head and tail print records as they stand in the file, from a file or a pipe', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), damaged);
    writeFileSync(at('a.jsonl.gz'), gzipSync(damaged));
    const three = '{"n":3,"big":12345678901234567890}\n';
    for (const argv of [[at('a.jsonl')], ['-'], [at('a.jsonl.gz')]]) {
      const head = await run(['head', '-n', '2', ...argv], damaged);
      expect(head).toMatchObject({ code: 0, out: `{"n":1}\n${three}` });
      const tail = await run(['tail', '-n', '2', ...argv], damaged);
      expect(tail).toMatchObject({ code: 0, out: `${three}{"n":4}\n` });
      expect(tail.err).toContain('orch-jsonl verify');
      expect((await run(['tail', '-n', '0', ...argv], damaged)).out).toBe('');
    }
    const json = await run(['head', '--json', '--where', 'n=3', at('a.jsonl')]);
    expect(json.out).toBe(`{"byteStart":18,"byteEnd":53,"line":2,"value":${three.trim()}}\n`);
  });

  it('reads what the shell gives as <(command)', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl.gz'), gzipSync(damaged));
    const script = `for c in verify count 'head -n 1' 'tail -n 1' stats; do "$0" "$1" $c <(gzip -dc "$2"); done`;
    const child = spawn('bash', [
      '-c',
      script,
      process.execPath,
      compiled('main.js'),
      at('a.jsonl.gz'),
    ]);
    const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(out).toContain('3 records, 4 lines');
    expect(out).toContain('\n3\n{"n":1}\n{"n":4}\n');
  });

  it('says what it cannot read, with 7', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('loop'), '');
    for (const path of [at('absent.jsonl'), at('.'), at('loop/a.jsonl')]) {
      for (const name of ['verify', 'head', 'tail', 'count', 'stats']) {
        const failed = await run([name, path]);
        expect([failed.code, failed.out], `${name} ${path}`).toEqual([7, '']);
        expect(failed.err).toMatch(/^orch-jsonl: Cannot (read|open) /);
      }
    }
  }, 60_000);

  it('a directory as standard input, too', () => {
    const at = temporaryDirectory();
    const directory = openSync(at('.'), 'r');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [compiled('main.js'), 'count', '-'],
      { stdio: [directory, 'pipe', 'pipe'], encoding: 'utf8' },
    );
    closeSync(directory);
    expect([status, stdout, stderr]).toEqual([
      7,
      '',
      'orch-jsonl: Cannot read standard input: it is a directory\n',
    ]);
  });

  it('verify whose faults nobody reads ends with 1 all the same; whose notes nobody reads, as ever', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), damaged);
    const unread = start(['verify', at('a.jsonl')]);
    unread.stdout.destroy();
    expect(await once(unread, 'close')).toEqual([1, null]);
    const unnoted = start(['count', at('a.jsonl')]);
    unnoted.stderr.destroy();
    const [out] = await Promise.all([text(unnoted.stdout), once(unnoted, 'close')]);
    expect([out, unnoted.exitCode]).toEqual(['3\n', 0]);
  });

  it('ends at an interrupt while it waits for a named pipe', async () => {
    const at = temporaryDirectory();
    execFileSync('mkfifo', [at('pipe')]);
    for (const argv of [['count'], ['tail', '-f']]) {
      const child = start([...argv, at('pipe')]);
      // It has opened the pipe as soon as somebody can write to it.
      const writer = await open(at('pipe'), 'w');
      child.kill('SIGINT');
      expect(await once(child, 'close'), argv[0]).toEqual([null, 'SIGINT']);
      await writer.close();
    }
  });

  it('says that its output cannot be written, with 7', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), damaged);
    for (const name of ['verify', 'head', 'tail', 'count', 'stats']) {
      const full = openSync('/dev/full', 'w');
      const child = spawn(process.execPath, [compiled('main.js'), name, at('a.jsonl')], {
        stdio: ['ignore', full, 'pipe'],
      });
      closeSync(full);
      let err = '';
      child.stderr?.setEncoding('utf8').on('data', (part: string) => (err += part));
      await once(child, 'close');
      expect(child.exitCode, name).toBe(7);
      expect(err, name).toMatch(/^orch-jsonl: Cannot write the output: ENOSPC.*\n$/);
    }
  }, 60_000);

  it('ends at an interrupt also where -f stands with another flag, or where it does not follow', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '1\n');
    for (const argv of [
      ['tail', '-fn1', at('a.jsonl')],
      ['tail', '-n', '1', '-'],
    ]) {
      const child = start(argv);
      if (argv[1] === '-fn1') await once(child.stdout, 'data');
      else await new Promise((resolve) => setTimeout(resolve, 1000));
      child.kill('SIGINT');
      expect((await once(child, 'close'))[0], argv.join(' ')).toBe(130);
    }
  });

  it('repair that is interrupted ends with 130 and removes what it had begun', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n' + '\0\n'.repeat(1_000_000));
    const child = start(['repair', at('a.jsonl'), '--to', at('b.jsonl')]);
    const begun = (): boolean => readdirSync(at('.')).some((name) => name.endsWith('.tmp'));
    while (!begun()) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).toBe(130);
    expect(readdirSync(at('.'))).toEqual(['a.jsonl']);
  });

  it('count and stats', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), damaged);
    expect(await run(['count', at('a.jsonl')])).toMatchObject({ code: 0, out: '3\n' });
    expect((await run(['count', '--json', '-'], damaged)).out).toBe('{"records":3,"faults":2}\n');
    expect((await run(['count', '--where', 'n=4', '-'], damaged)).out).toBe('1\n');
    expect(await run(['count', '--where', 'n=1e400', '-'], '1\n')).toMatchObject({ out: '0\n' });
    const stats = JSON.parse((await run(['stats', '--json', '-'], damaged)).out) as object;
    expect(stats).toMatchObject({
      records: 3,
      recordBytes: { smallest: 8, largest: 35 },
      names: [
        { name: 'n', records: 3 },
        { name: 'big', records: 1 },
      ],
      kinds: { glued: 1 },
    });
    expect((await run(['stats', at('a.jsonl')])).out).toContain('"big"');
    expect((await run(['stats', '-'], '')).code).toBe(0);
  });

  it('tail --follow goes on, also when the file is rotated, and ends with 130 when interrupted', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), '{"n":1}\n{"n":2}\n{"n":');
    const child = start(['tail', '-n', '1', '-f', at('a.jsonl')]);
    let out = '';
    const seen = async (expected: string): Promise<void> => {
      while (!out.endsWith(expected)) out += String((await once(child.stdout, 'data'))[0]);
    };
    await seen('{"n":2}\n');
    appendFileSync(at('a.jsonl'), '3}\n');
    await seen('{"n":3}\n');
    renameSync(at('a.jsonl'), at('a.1.jsonl'));
    writeFileSync(at('a.jsonl'), '{"n":4}\n');
    await seen('{"n":4}\n');
    child.kill('SIGINT');
    expect((await once(child, 'close'))[0]).toBe(130);
    expect(out).toBe('{"n":2}\n{"n":3}\n{"n":4}\n');
  });

  it('ends quietly when whoever reads its output has seen enough', async () => {
    const at = temporaryDirectory();
    writeFileSync(at('a.jsonl'), `{"text":"${'x'.repeat(1000)}"}\n`.repeat(50_000));
    const child = start(['head', '-n', '50000', at('a.jsonl')]);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [err] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([err, child.exitCode]).toEqual(['', 0]);
  });

  it('reads a file of nothing but damage in little memory, verified or repaired', async () => {
    const at = temporaryDirectory();
    // Kept until the end, so many faults would need more than the heap has.
    writeFileSync(at('a.jsonl'), 'x\n\0\n'.repeat(100_000));
    for (const argv of [
      ['verify', '--json', at('a.jsonl')],
      ['repair', '--to', at('b.jsonl'), at('a.jsonl')],
    ]) {
      const child = start(argv, ['--max-old-space-size=16']);
      child.stdout.resume();
      await once(child, 'close');
      expect(child.exitCode, argv[0]).toBe(argv[0] === 'verify' ? 1 : 0);
    }
  }, 120_000);

  it('reads a large file in little memory', async () => {
    const at = temporaryDirectory();
    const file = openSync(at('a.jsonl'), 'w');
    const block = `{"type":"x","text":"${'y'.repeat(1000)}"}\n`.repeat(1000);
    for (let count = 0; count < 200; count += 1) writeSync(file, block);
    closeSync(file);
    // The old space alone is limited, to far less than the file.
    const child = start(['verify', at('a.jsonl')], ['--max-old-space-size=32']);
    const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(child.exitCode).toBe(0);
    expect(out).toContain('200000 records');
  }, 60_000);

  it('explains itself, and refuses with 2 what it does not understand', async () => {
    const help = await run(['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Exit codes');
    expect((await run([])).out).toBe(help.out);
    for (const argv of [
      ['frobnicate', 'a'],
      ['verify'],
      ['verify', 'a', 'b'],
      ['verify', '--to', 'b', 'a'],
      ['verify', '--nope', 'a'],
      ['verify', '--chain', 'xyz', 'a'],
      ['repair', 'a'],
      ['repair', '-', '--to', 'b'],
      ['head', '-n', 'x', 'a'],
      ['head', '--where', 'x', 'a'],
      ['count', '--max-line-bytes', '0', 'a'],
    ]) {
      const refused = await run(argv);
      expect(refused, argv.join(' ')).toMatchObject({ code: 2, out: '' });
      expect(refused.err).toMatch(/^orch-jsonl: .*--help\n$/);
    }
    expect((await run(['count', '/nowhere/a.jsonl'])).code).toBe(7);
  }, 60_000);
});
