import type { PlanProblem } from './problem.js';

/**
 * A problem as text: `file:line:column: message`, the source line with a caret under the place, and
 * `did you mean …` where there is a suggestion that the message does not show. Control characters of the plan do not reach the
 * terminal.
 */
export function formatProblem(problem: PlanProblem): string {
  const label = problem.severity === 'warning' ? 'warning: ' : '';
  const head = `${problem.file}:${problem.line}:${problem.column}: ${label}${problem.message}`;
  const lines = [neutralise(head)];
  if (problem.excerpt.trim() !== '') lines.push(...pointAt(problem));
  // Many messages show the form that works themselves; once is enough.
  if (problem.suggestion !== undefined && !problem.message.includes(problem.suggestion)) {
    lines.push(`  did you mean ${neutralise(problem.suggestion)}`);
  }
  return lines.join('\n');
}

function pointAt({ excerpt, caret }: PlanProblem): [string, string] {
  // Tabs stay tabs under the line, so that the caret lands where the terminal put the character.
  const padding = excerpt.slice(0, caret).replace(/[^\t]/gu, ' ');
  return [`  ${neutralise(excerpt)}`, `  ${padding}^`];
}

/** Control and direction-changing characters become visible stand-ins; tabs stay. */
function neutralise(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\t' ? character : '\uFFFD',
  );
}
