import { verifyChain } from '../chain/verify-chain.js';
import { isHarmless, type Fault, type FaultKind } from '../read/fault.js';
import type { Make } from '../read/pass.js';
import { repair } from '../recover/repair.js';
import { verify, verifyWith, type Verification } from '../recover/verify.js';
import type { Command } from './arguments.js';
import { createStatsGatherer } from './gather-stats.js';
import { inputOf } from './input.js';
import { describeFault, OutputClosed, plural, type Output } from './output.js';
import { printHead, printTail } from './print-records.js';

/** Faults are told one by one up to here in text; `--json` tells all of them. */
const maxFaultsTold = 100;

function limitsOf({ live, where, maxLineBytes }: Command) {
  return { live, where, ...(maxLineBytes === undefined ? {} : { maxLineBytes }) };
}

function summary(file: string, { records, lines, bytes, kinds }: Verification): string {
  const counts = (Object.entries(kinds) as [FaultKind, number][]).map(
    ([kind, count]) => `${count} ${kind}${isHarmless(kind) ? ' (harmless)' : ''}`,
  );
  const faults = counts.length === 0 ? 'no fault' : counts.join(', ');
  return `${file}: ${plural(records, 'record')}, ${plural(lines, 'line')}, ${plural(bytes, 'byte')}; ${faults}\n`;
}

async function runVerify(command: Command, output: Output): Promise<number> {
  const { file, json, chain } = command;
  let told = 0;
  let isDamaged = false;
  let waiting = '';
  const tell = async (): Promise<void> => {
    const text = waiting;
    waiting = '';
    try {
      if (text !== '') await output.print(text);
    } catch (error) {
      // Who reads no further still learns how it stands, from what was found until then.
      throw error instanceof OutputClosed && isDamaged ? new OutputClosed(1) : error;
    }
  };
  const onFault = (fault: Fault): void => {
    told += 1;
    isDamaged ||= !isHarmless(fault.kind);
    if (json) waiting += `${JSON.stringify(fault)}\n`;
    else if (told <= maxFaultsTold) waiting += `${describeFault(fault)}\n`;
  };
  const options = { ...limitsOf(command), onFault };
  const verification = await verifyWith(
    await inputOf(file),
    options,
    () => undefined,
    // Not before whoever reads our output has taken it is more read.
    tell,
  );
  await tell();
  const check = chain === undefined ? undefined : await verifyChain(file, { previous: chain });
  if (json) {
    const { healthy, records, lines, bytes, kinds } = verification;
    const found = { healthy, records, lines, bytes, kinds, ...(check && { chain: check }) };
    await output.print(`${JSON.stringify(found)}\n`);
  } else {
    if (told > maxFaultsTold) await output.print(`... and ${told - maxFaultsTold} more\n`);
    await output.print(summary(file, verification));
    if (check?.broken) {
      const { reason, byteStart, byteEnd } = check.broken;
      await output.print(`chain broken: ${reason} at bytes ${byteStart}-${byteEnd}\n`);
    } else if (check) {
      const unsealed = check.unsealed
        ? `; bytes ${check.unsealed.byteStart}-${check.unsealed.byteEnd} are not sealed`
        : '';
      await output.print(`chain holds up to byte ${check.bytes}, head ${check.head}${unsealed}\n`);
    }
  }
  return verification.healthy && check?.broken === undefined ? 0 : 1;
}

async function runRepair(command: Command, output: Output, signal: AbortSignal): Promise<number> {
  const { file, to = '', quarantine, maxLineBytes, json } = command;
  const done = await repair(file, {
    to,
    signal,
    ...(quarantine === undefined ? {} : { quarantine }),
    ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
  });
  if (json) {
    const { records, lines, bytes, kinds } = done;
    const answer = { records, lines, bytes, kinds, to, quarantine: done.quarantine ?? null };
    await output.print(`${JSON.stringify(answer)}\n`);
  } else {
    await output.print(summary(file, done));
    await output.print(`${to}: ${plural(done.records, 'record')}\n`);
    if (done.quarantine !== undefined) {
      await output.print(`${done.quarantine}: every byte that is in no record\n`);
    }
  }
  return 0;
}

async function runCount(command: Command, output: Output): Promise<number> {
  const found = await verify(await inputOf(command.file), limitsOf(command));
  const faults = Object.values(found.kinds).reduce((sum, count) => sum + count, 0);
  await output.print(
    command.json ? `${JSON.stringify({ records: found.records, faults })}\n` : `${found.records}\n`,
  );
  if (!found.healthy) {
    output.note(`${plural(faults, 'fault')}; see orch-jsonl verify ${command.file}`);
  }
  return 0;
}

const makeSized: Make<readonly [unknown, number]> = (value, start, end) => [value, end - start];

async function runStats(command: Command, output: Output): Promise<number> {
  const gatherer = createStatsGatherer();
  const found = await verifyWith(
    await inputOf(command.file),
    limitsOf(command),
    makeSized,
    (batch) => {
      for (const [value, bytes] of batch) gatherer.add(value, bytes);
    },
  );
  const stats = gatherer.result();
  const { records, lines, bytes, kinds } = found;
  if (command.json) {
    await output.print(`${JSON.stringify({ records, lines, bytes, kinds, ...stats })}\n`);
    return 0;
  }
  await output.print(summary(command.file, found));
  if (stats === undefined) return 0;
  const { smallest, median, p99, largest } = stats.recordBytes;
  const rows = stats.names.map(
    ({ name, records: count }) => `${String(count).padStart(10)}  ${JSON.stringify(name)}\n`,
  );
  const more = stats.otherNames === 0 ? '' : `            and ${stats.otherNames} more names\n`;
  await output.print(
    `bytes of a record: smallest ${smallest}, median ${median}, 99 % ${p99}, largest ${largest}\n` +
      `   records  with the name\n${rows.join('')}${more}`,
  );
  return 0;
}

/** Runs a command; gives its exit code. */
export async function runCommand(
  command: Command,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  switch (command.name) {
    case 'verify':
      return runVerify(command, output);
    case 'repair':
      return runRepair(command, output, signal);
    case 'count':
      return runCount(command, output);
    case 'stats':
      return runStats(command, output);
    case 'head':
      await printHead(command, output);
      return 0;
    case 'tail':
      await printTail(command, output, signal);
      return 0;
  }
}
