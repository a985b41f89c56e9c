import type { JsonObject } from '../json.js';
import type { Redactor } from '../safety/redaction.js';
import type { ServerEvent } from './mcp-server.js';

const changes: Readonly<Record<string, 'tools' | 'resources' | 'prompts'>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/resources/list_changed': 'resources',
  'notifications/prompts/list_changed': 'prompts',
};

/** What a server says unasked, as the event that it is; undefined for what is none. */
export function readAnnouncement(
  method: string,
  params: JsonObject,
  redactor: Redactor,
): ServerEvent | undefined {
  const list = changes[method];
  if (list !== undefined) return { type: 'changed', list };
  switch (method) {
    case 'notifications/resources/updated': {
      const { uri } = params;
      return typeof uri === 'string' ? { type: 'updated', uri } : undefined;
    }
    case 'notifications/elicitation/complete': {
      const { elicitationId: id } = params;
      return typeof id === 'string' ? { type: 'elicited', id } : undefined;
    }
    case 'notifications/message': {
      const { level, logger, data = null } = params;
      return {
        type: 'log',
        level: typeof level === 'string' ? level : 'info',
        ...(typeof logger === 'string' && { logger }),
        data: redactor.json(data),
      };
    }
    default:
      return undefined;
  }
}
