import type { ProcessOwner } from '@orch/process';
import { excerpt, isJsonObject, own, parseJson } from '../json.js';
import { runCommand } from './command.js';
import { postPayload } from './http.js';
import type { Delivery, Ran } from './result.js';

/**
 * Tells a person that an event happened: on this desktop, or as `{text}` to a webhook. What is told are names
 * (event, run, task, tool, state), never what an agent wrote: a notification is no place for its text.
 */
export async function sendNotice(
  owner: ProcessOwner,
  spec: { readonly url?: string },
  delivery: Delivery,
): Promise<Ran> {
  const text = noticeText(delivery);
  const told =
    spec.url === undefined
      ? await runCommand(owner, desktopArgv(text), delivery)
      : await postPayload(
          { url: spec.url, headers: {} },
          { ...delivery, payload: JSON.stringify({ text }) },
        );
  if ('failure' in told) return told;
  // Whatever a webhook answers decides nothing.
  return { answer: {} };
}

function desktopArgv(text: string): readonly string[] {
  if (process.platform === 'darwin')
    return [
      '/usr/bin/osascript',
      '-e',
      `display notification ${JSON.stringify(text)} with title "orch"`,
    ];
  return ['notify-send', '--app-name=orch', '--', 'orch', text];
}

const told = [
  'run',
  'plan',
  'task',
  'target',
  'state',
  'verdict',
  'tool_name',
  'notification_type',
  'reason',
];

/** One line: `attempt.ended · run 0abc · task build`. */
export function noticeText({ event, payload }: Pick<Delivery, 'event' | 'payload'>): string {
  const value = parseJson(payload);
  const parts = told.flatMap((key) => {
    const field = isJsonObject(value) ? own(value, key) : undefined;
    // A name has no blanks; what has some may be text of an agent.
    return typeof field === 'string' && /^[\w.@:/-]{1,100}$/.test(field) ? [`${key} ${field}`] : [];
  });
  return excerpt([event, ...parts].join(' · '), 300);
}
