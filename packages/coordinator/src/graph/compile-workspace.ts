import type { Path } from '../plan/path.js';
import type { Plan } from '../plan/plan.js';
import type { Report } from '../plan/problem.js';
import { parseDurationMs } from '../plan/duration.js';
import { compileCommand, compileRun, literalArgv } from './compile-command.js';
import type { GateSpec, SetupSpec } from './graph.js';
import { GATE_TIMEOUT_MS, SETUP_TIMEOUT_MS } from './task-defaults.js';

/** The gates of a plan. One whose command was refused is left out. */
export function compileGates(plan: Plan, report: Report): { readonly [id: string]: GateSpec } {
  const gates = Object.entries(plan.document.gates ?? {}).flatMap(([id, gate]): GateSpec[] => {
    const command = compileCommand({ plan, report }, gate, ['gates', id]);
    if (command === undefined) return [];
    const { file, line, column } = plan.locations.key(['gates', id]);
    return [
      {
        id,
        command: { argv: literalArgv(command), shell: command.shell },
        timeoutMs: gate.timeout === undefined ? GATE_TIMEOUT_MS : parseDurationMs(gate.timeout),
        protect: gate.protect ?? [],
        env: gate.env ?? {},
        at: { file, line, column },
      },
    ];
  });
  return Object.fromEntries(gates.map((gate) => [gate.id, gate]));
}

/** `workspace.setup`: one line, one argument list, or a list of argument lists. */
export function compileSetup(plan: Plan, report: Report): SetupSpec | undefined {
  const setup = plan.document.workspace?.setup;
  if (setup === undefined) return undefined;
  const at: Path = ['workspace', 'setup'];
  const isNested = Array.isArray(setup) && Array.isArray(setup[0]);
  const runs = isNested ? (setup as string[][]) : [setup as string | string[]];
  const commands = runs.flatMap((run, index) => {
    const command = compileRun({ plan, report }, run, isNested ? [...at, index] : at);
    return command === undefined ? [] : [literalArgv(command)];
  });
  return { commands, timeoutMs: SETUP_TIMEOUT_MS };
}
