import { asList, asObject, asString, type JsonObject } from '../json.js';

/** What of the agent's work goes on beside the conversation. */
export interface BackgroundTasks {
  /** Looks at a `system` event. */
  observe(event: JsonObject): void;
  readonly running: number;
  /** True while something runs and all of it is shell commands, whose end changes nothing that was said. */
  readonly onlyShells: boolean;
  /** Something ran in the background, now or before. */
  readonly everRan: boolean;
}

const ended = new Set(['completed', 'failed', 'stopped', 'killed']);

export function createBackgroundTasks(): BackgroundTasks {
  let tasks = new Map<string, string>();
  let everRan = false;
  /** Newer versions send the whole list with each change; the single events are then not needed. */
  let listed = false;

  function start(id: string | undefined, type: string | undefined): void {
    if (id === undefined) return;
    tasks.set(id, type ?? 'unknown');
    everRan = true;
  }

  return {
    observe(event) {
      const id = asString(event['task_id']);
      switch (event['subtype']) {
        case 'background_tasks_changed':
          listed = true;
          tasks = new Map();
          for (const item of asList(event['tasks'])) {
            const task = asObject(item) ?? {};
            start(asString(task['task_id']), asString(task['task_type']));
          }
          break;
        case 'task_started':
          if (!listed && event['is_backgrounded'] !== false) {
            start(id, asString(event['task_type']));
          }
          break;
        case 'task_updated':
        case 'task_notification': {
          const status =
            asString(event['status']) ?? asString(asObject(event['patch'])?.['status']);
          if (id !== undefined && status !== undefined && ended.has(status)) tasks.delete(id);
          break;
        }
      }
    },
    get running() {
      return tasks.size;
    },
    get onlyShells() {
      return tasks.size > 0 && [...tasks.values()].every((type) => type === 'local_bash');
    },
    get everRan() {
      return everRan;
    },
  };
}
