import { formatProblem, settingsIn, settingsJsonSchema } from '@orch/core/settings';
import { exitCode } from '../exit-codes.js';
import { contributionLine, leafLine } from '../render/config-lines.js';
import { oneLine } from '../render/neutral.js';
import { counted } from '../render/run-lines.js';
import type { Screen } from '../render/screen.js';

interface ConfigFlags {
  readonly json?: boolean;
  readonly origin?: boolean;
}

const load = () => settingsIn(process.cwd(), process.env);

/** `orch config show [--origin]`: what applies. Secrets are not shown. */
export async function configShowCommand(screen: Screen, flags: ConfigFlags): Promise<number> {
  const loaded = await load();
  const leaves = loaded.leaves();
  if (flags.json) screen.json({ settings: leaves, problems: loaded.problems });
  else {
    for (const leaf of leaves) screen.line(leafLine(screen, leaf, flags.origin === true));
    if (leaves.length === 0) screen.line('no settings; everything is as built in');
    for (const problem of loaded.problems) screen.note(formatProblem(problem));
  }
  return codeFor(loaded.problems);
}

/** `orch config explain KEY`: who set it, who lost, who was refused. */
export async function configExplainCommand(
  screen: Screen,
  key: string,
  flags: ConfigFlags,
): Promise<number> {
  const loaded = await load();
  const explanation = loaded.explain(key);
  if (flags.json) screen.json(explanation);
  else {
    const value = explanation.value === undefined ? 'not set' : JSON.stringify(explanation.value);
    screen.line(`${oneLine(explanation.path)}: ${oneLine(value)}`);
    if (explanation.description) screen.line(`  ${explanation.description}`);
    for (const one of explanation.contributions) screen.line(contributionLine(screen, one));
    for (const problem of loaded.problems) screen.note(formatProblem(problem));
  }
  return codeFor(loaded.problems);
}

/** `orch config check`: everything that is wrong, or one line. */
export async function configCheckCommand(screen: Screen, flags: ConfigFlags): Promise<number> {
  const loaded = await load();
  const { problems } = loaded;
  const code = codeFor(problems);
  if (flags.json) screen.json({ ok: code === exitCode.ok, problems });
  else {
    for (const problem of problems) screen.line(formatProblem(problem));
    if (code === exitCode.ok)
      screen.line(`${screen.style('green', '✔')} ${counted(loaded.leaves().length, 'setting')}`);
  }
  return code;
}

/** `orch config schema`: the JSON Schema, for editors. */
export function configSchemaCommand(screen: Screen): number {
  screen.json(settingsJsonSchema());
  return exitCode.ok;
}

const codeFor = (problems: readonly { readonly severity: string }[]): number =>
  problems.some(({ severity }) => severity === 'error') ? exitCode.usage : exitCode.ok;
