import type { AgentEvent, Notice } from '../event.js';
import { oneLine } from '../excerpt.js';
import { asNumber, asString, type JsonObject } from '../json.js';

/** What a `system` event other than `init` and `permission_denied` says to a reader. */
export function readSystemEvent(event: JsonObject): AgentEvent {
  const subtype = asString(event['subtype']) ?? 'unknown';
  switch (subtype) {
    case 'api_retry':
      return {
        kind: 'retrying',
        attempt: asNumber(event['attempt']) ?? 1,
        reason: asString(event['error']) ?? 'unknown',
        delayMs: Math.round(asNumber(event['retry_delay_ms']) ?? 0),
        status: asNumber(event['error_status']) ?? null,
      };
    case 'model_fallback':
      return notice(
        'warning',
        `The model changed from ${named(event, 'original_model')} to ${named(event, 'fallback_model')} (${named(event, 'trigger')}).`,
      );
    case 'model_refusal_no_fallback':
    case 'model_refusal_fallback':
      return notice('warning', `The model ${named(event, 'original_model')} refused to answer.`);
    case 'informational':
      return notice(
        event['level'] === 'warning' ? 'warning' : 'info',
        asString(event['content']) ?? subtype,
      );
    case 'notification':
      return notice('info', asString(event['text']) ?? subtype);
    case 'task_started':
    case 'task_notification':
      return notice(
        'info',
        `Task ${named(event, 'task_id')} ${subtype === 'task_started' ? 'started' : named(event, 'status')}: ${oneLine(asString(event['summary']) ?? asString(event['description']) ?? '', 200)}`,
      );
    case 'compact_boundary':
      return notice('info', 'The conversation was compacted.');
    default:
      return notice('debug', `system/${subtype}`);
  }
}

function named(event: JsonObject, key: string): string {
  return asString(event[key]) ?? 'unknown';
}

function notice(level: Notice['level'], text: string): Notice {
  return { kind: 'notice', level, text: oneLine(text, 1000) };
}
