import { attemptLog, cancelRun, explainTask, findRepositoryRoot, findRun, findTask, listRuns, readRun, summarize, type RunRecord, type TaskState } from '@orch/core/status';
import { exitCode } from '../exit-codes.js';
import { quoted } from '../render/run-view.js';
import { duration, fit, neutral, type Screen } from '../render/screen.js';
import { UsageError } from '../usage-error.js';

interface Flags {
  readonly json?: boolean;
}

/** `orch status [RUN]`: one run in full, or with `--all` a line for each. */
export async function statusCommand(screen: Screen, wanted: string | undefined, flags: Flags & { readonly all?: boolean }): Promise<number> {
  const root = await findRepositoryRoot(process.cwd());
  if (flags.all ?? false) {
    const runs = await Promise.all((await listRuns(root)).map((run) => readRun(root, run)));
    if (flags.json) screen.line(JSON.stringify(runs.map(overview)));
    else if (runs.length === 0) screen.line('No run in this repository. Start one with: orch run plan.yaml');
    else for (const record of runs) screen.line(`${record.run}  ${statusOf(record).padEnd(11)}  ${record.state.name}  ${screen.style('dim', summarize(record.state).line)}`);
    return exitCode.ok;
  }
  const record = await readRun(root, await findRun(root, wanted));
  if (flags.json) {
    screen.line(JSON.stringify({ ...overview(record), state: record.state }));
    return exitCode.ok;
  }
  const { state } = record;
  screen.line(`${state.mode === 'rehearsal' ? screen.style('magenta', 'REHEARSAL ') : ''}${screen.style('bold', `${state.name} ${state.run}`)} · ${statusOf(record)}`);
  for (const task of Object.values(state.tasks)) screen.line(fit(taskLine(screen, task), screen.columns()));
  for (const [node, barrier] of Object.entries(state.barriers)) {
    if (!barrier.passed) screen.line(`${screen.style('red', '✖')} ${node} was not passed: ${neutral(barrier.reason ?? '')}`);
  }
  if (state.delivery?.refused) screen.line(`not delivered: ${neutral(state.delivery.refused.reason)}\nnext: ${state.delivery.refused.next}`);
  screen.line(screen.style('bold', summarize(state).line));
  if (state.delivery?.done) screen.line(`delivered to ${state.delivery.done.target.replace(/^refs\/heads\//, '')}`);
  if (!record.led && state.status !== 'ended') screen.line(`Nobody leads it. Go on with: orch resume ${state.run}`);
  return exitCode.ok;
}

const statusOf = ({ state, led }: RunRecord): string =>
  state.status === 'ended' ? (state.outcome ?? 'ended') : led ? 'running' : 'interrupted';

function overview(record: RunRecord): Record<string, unknown> {
  const { line, ...numbers } = summarize(record.state);
  return { run: record.run, name: record.state.name, mode: record.state.mode, status: statusOf(record), led: record.led, ...numbers, line };
}

function taskLine(screen: Screen, task: TaskState): string {
  const mark =
    task.verdict === 'succeeded'
      ? screen.style('green', '✔')
      : task.verdict === 'skipped'
        ? screen.style('dim', '○')
        : task.verdict !== undefined
          ? screen.style('red', '✖')
          : task.phase === 'running'
            ? screen.style('cyan', '●')
            : screen.style('dim', '·');
  const spent = task.attempts.reduce((sum, attempt) => sum + (attempt.end?.durationMs ?? 0), 0);
  const detail = [
    task.verdict ?? task.phase,
    spent > 0 ? duration(spent) : '',
    task.attempts.length > 1 ? `${task.attempts.length} attempts` : '',
    task.verdict === 'succeeded' ? '' : neutral(task.reasons[0] ?? ''),
  ].filter(Boolean);
  return `${mark} ${task.label} ${screen.style('dim', detail.join(' · '))}`;
}

async function oneTask(wanted: string, run: string | undefined): Promise<{ record: RunRecord; task: TaskState }> {
  const root = await findRepositoryRoot(process.cwd());
  const record = await readRun(root, await findRun(root, run));
  const task = findTask(record.state, wanted);
  if (!task) {
    const labels = Object.values(record.state.tasks).map((candidate) => candidate.label);
    throw new UsageError(`Run ${record.run} has no task "${wanted}". Its tasks: ${labels.slice(0, 12).join(', ')}${labels.length > 12 ? ', …' : ''}`);
  }
  return { record, task };
}

/** `orch why TASK`: verdict, refused calls, failing excerpt, the one next command. */
export async function whyCommand(screen: Screen, wanted: string, flags: Flags & { readonly run?: string }): Promise<number> {
  const { record, task } = await oneTask(wanted, flags.run);
  const why = explainTask(record.state, record.graph, task);
  if (flags.json) {
    screen.line(JSON.stringify({ run: record.run, ...why }));
    return exitCode.ok;
  }
  const good = why.verdict === 'succeeded';
  screen.line(`${screen.style('bold', why.label)} ${screen.style(good ? 'green' : 'red', why.verdict)} ${screen.style('dim', `run ${record.run}`)}`);
  for (const reason of why.reasons) screen.line(`  ${neutral(reason)}`);
  for (const warning of why.warnings) screen.line(`  ${screen.style('yellow', 'note')}: ${neutral(warning)}`);
  if (why.attempts.length > 1) {
    for (const attempt of why.attempts) screen.line(`  attempt ${attempt.attempt} (${attempt.mode}): ${attempt.verdict}${attempt.reasons[0] === undefined ? '' : `, ${neutral(attempt.reasons[0])}`}`);
  }
  for (const denial of why.denials) screen.line(`  refused call: ${denial.tool} ${neutral(denial.input)}\n    ${neutral(denial.reason)}`);
  if (why.findings) {
    screen.line(`  gate ${why.findings.gate}:`);
    for (const line of neutral(why.findings.excerpt).split('\n').slice(0, 30)) screen.line(`    ${line}`);
  }
  if (why.ref !== undefined) screen.line(screen.style('dim', `  kept at ${why.ref}`));
  screen.line(`next: ${why.next}`);
  return exitCode.ok;
}

/** `orch logs TASK [-f]`: what was recorded of an attempt. */
export async function logsCommand(
  screen: Screen,
  wanted: string,
  flags: Flags & { readonly follow?: boolean; readonly run?: string; readonly attempt?: number },
): Promise<number> {
  const { record, task } = await oneTask(wanted, flags.run);
  const attempt = flags.attempt ?? task.attempts.at(-1)?.attempt;
  if (attempt === undefined) {
    if (!(flags.follow ?? false)) throw new UsageError(`${task.label} has no attempt yet. Wait for it with: orch logs ${quoted(task.label)} -f`);
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  for await (const entry of attemptLog(record.layout, task.id, attempt ?? 1, (flags.follow ?? false) ? stop.signal : undefined)) {
    if (flags.json) screen.line(JSON.stringify(entry));
    else {
      const text = describe(entry);
      if (text !== '') screen.line(`${screen.style('dim', entry.at.slice(11, 19))} ${text}`);
    }
  }
  return exitCode.ok;
}

function describe(entry: { readonly kind: string; readonly data: unknown }): string {
  const data = (typeof entry.data === 'object' && entry.data !== null ? entry.data : {}) as Record<string, unknown>;
  const text = (name: string): string => {
    const value = data[name];
    return value === undefined ? '' : neutral(typeof value === 'string' ? value : JSON.stringify(value));
  };
  switch (entry.kind) {
    case 'attempt':
      return `attempt ${text('attempt')} of ${text('task')} (${text('agent')})${data['stamp'] === undefined ? '' : ' REHEARSAL'}\n${text('prompt') || text('argv')}`;
    case 'text':
      return text('text');
    case 'thinking':
      return `(thinks) ${text('text')}`;
    case 'tool.called':
      return `→ ${text('name')} ${text('input')}`;
    case 'tool.returned':
      return `← ${text('text')}`;
    case 'denied':
      return `✖ refused: ${text('tool')} ${text('input')} (${text('reason')})`;
    case 'output':
      return text('text');
    case 'notice':
      return data['level'] === 'debug' ? '' : `(${text('text')})`;
    case 'retrying':
      return `(asks again: ${text('reason')})`;
    case 'end':
      return `■ ${text('outcome')}${data['error'] === undefined ? '' : `: ${text('error')}`}`;
    default:
      return '';
  }
}

const ackMs = 10_000;

/** `orch cancel [RUN]`: asks the leader to stop for good. */
export async function cancelCommand(screen: Screen, wanted: string | undefined, flags: Flags): Promise<number> {
  const root = await findRepositoryRoot(process.cwd());
  const run = await findRun(root, wanted);
  const asked = await cancelRun(root, run, process.env['USER'] ?? 'a person');
  if (!asked) {
    if (flags.json) screen.line(JSON.stringify({ run, cancelled: false }));
    else screen.line(`Run ${run} is not running: there is nothing to cancel. Look with: orch status ${run}`);
    return exitCode.ok;
  }
  const until = performance.now() + ackMs;
  let seen = false;
  while (!seen && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    seen = (await readRun(root, run)).state.cancelled !== undefined;
  }
  if (flags.json) screen.line(JSON.stringify({ run, cancelled: true, acknowledged: seen }));
  else screen.line(seen ? `Run ${run} is being cancelled: its agents end, their work is kept.` : `Asked run ${run} to cancel; it has not answered yet. Look with: orch status ${run}`);
  return exitCode.ok;
}
