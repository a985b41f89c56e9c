import { quote } from '../plan/describe.js';
import type { Path } from '../plan/path.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { splitCommand } from '../plan/split-command.js';
import { compileText } from './compile-template.js';
import { placeOf, refuse, type Namespace, type Place } from './namespace.js';
import { textOf } from './json-kind.js';
import { parseTemplate } from './parse-template.js';
import type { Template } from './reference.js';

/** Where a command stands; `namespace` only where references may stand in its arguments. */
export interface CommandContext {
  readonly plan: Plan;
  readonly report: Report;
  readonly namespace?: Namespace;
}

export interface Command {
  readonly argv: readonly Template[];
  readonly shell: boolean;
}

const NEVER =
  'never stands in a command; give it a name, inputs: { name: "${{ … }}" }, and read $ORCH_INPUT_NAME';

/** The command of a task, gate or agent. `undefined`: it has none, or it was reported. */
export function compileCommand(
  context: CommandContext,
  owner: {
    readonly run?: string | readonly string[] | undefined;
    readonly sh?: string | undefined;
  },
  path: Path,
): Command | undefined {
  const { run, sh } = owner;
  if (run !== undefined) return compileRun(context, run, [...path, 'run']);
  return sh === undefined ? undefined : compileShell(context, sh, [...path, 'sh']);
}

/** A command written as one line or as a list of arguments, at `path` itself. */
export function compileRun(
  context: CommandContext,
  run: string | readonly string[],
  path: Path,
): Command | undefined {
  return typeof run === 'string'
    ? compileLine(context, run, path)
    : compileList(context, run, path);
}

/** The command of something that takes no references: gates and setup. */
export function literalArgv(command: Command): readonly string[] {
  return command.argv.map((element) => (element.kind === 'literal' ? textOf(element.value) : ''));
}

function compileShell({ plan, report }: CommandContext, line: string, path: Path): Command {
  const place = placeOf(plan, path, line, { allowed: [] });
  const { parts } = parseTemplate(line);
  for (const part of parts) {
    if (typeof part === 'string') continue;
    const message = `a reference ${NEVER.replace('a command', 'sh:')}`;
    refuse(report, place, part.offset, 'ORCH_PLAN_REFERENCE_PLACE', message);
  }
  const text = parts.map((part) => (typeof part === 'string' ? part : '')).join('');
  return { argv: [{ kind: 'literal', value: text }], shell: true };
}

function compileLine(
  { plan, report }: CommandContext,
  line: string,
  path: Path,
): Command | undefined {
  const split = splitCommand(line);
  if ('argv' in split) {
    return { argv: split.argv.map((value) => ({ kind: 'literal', value })), shell: false };
  }
  const place = placeOf(plan, path, line, { allowed: [] });
  // A reference that nothing closes goes to the end of its line: its end is looked for once.
  const words = (line.match(/\$\{\{.*?(?:\}\}|$)|[^\s'"]+/gm) ?? []).map((word) =>
    JSON.stringify(word),
  );
  const list = `run: [${words.join(', ')}]`;
  const shell = `sh: ${JSON.stringify(line.trimEnd())}`;
  const isReference = line.includes('${{');
  const message = `${split.problem}; write the arguments as a list${isReference ? '' : ', or sh:'}`;
  refuse(report, place, split.offset, 'ORCH_PLAN_COMMAND', message, {
    received: line,
    suggestion: isReference ? list : shell,
  });
}

function compileList(
  context: CommandContext,
  list: readonly string[],
  path: Path,
): Command | undefined {
  const { plan, report } = context;
  const [program] = list;
  const at = [...path, 0];
  if (
    program === undefined ||
    program.trim() === '' ||
    (list.length === 1 && /\s/.test(program.trim()))
  ) {
    const split = splitCommand(program ?? '');
    const suggestion =
      'argv' in split
        ? `[${split.argv.map((word) => JSON.stringify(word)).join(', ')}]`
        : undefined;
    report.add(plan.locations.value(at), at, {
      code: 'ORCH_PLAN_COMMAND',
      message: `expected a program as first argument, received ${quote(program ?? '')}`,
      suggestion,
    });
    return undefined;
  }
  return {
    argv: list.map((element, index) => compileElement(context, element, [...path, index])),
    shell: false,
  };
}

/** A literal, or one whole reference: a value never becomes part of an argument. */
function compileElement(
  { plan, report, namespace }: CommandContext,
  text: string,
  path: Path,
): Template {
  const rules: Pick<Place, 'allowed' | 'isKnownOnly' | 'instead'> = {
    allowed: namespace ? ['inputs', 'matrix', 'run', 'item'] : [],
    isKnownOnly: true,
    instead: NEVER,
  };
  const place = placeOf(plan, path, text, rules);
  const { parts } = parseTemplate(text);
  const hole = parts.find((part) => typeof part !== 'string');
  if (hole === undefined && !text.includes('${{')) return { kind: 'literal', value: text };
  if (namespace === undefined && hole !== undefined) {
    const message = 'references are not resolved here';
    refuse(report, place, hole.offset, 'ORCH_PLAN_REFERENCE_PLACE', message);
  } else if (hole !== undefined && parts.length > 1) {
    const message = `a reference stands as a whole argument; split ${quote(text)} in two`;
    refuse(report, place, hole.offset, 'ORCH_PLAN_REFERENCE_PLACE', message);
  } else if (namespace !== undefined) {
    return compileText(namespace, text, place).template;
  }
  return { kind: 'literal', value: parts.filter((part) => typeof part === 'string').join('') };
}
