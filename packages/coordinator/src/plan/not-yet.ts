import type { Json, JsonObject } from '../json.js';
import { isObject, own } from '../graph/json-kind.js';
import { quote } from './describe.js';
import type { Locations } from './locations.js';
import type { Path } from './path.js';
import { MAX_PROBLEMS, type Report } from './problem.js';
import { RESERVED_KEYS, type ReservedKeys } from './reserved-keys.js';
import { TYPE_NAMES } from './schema/outputs.js';
import { rawTasks } from './task-paths.js';
import { takeOut } from './take-out.js';

/** Drivers that are planned. */
const RESERVED_DRIVERS = ['acp', 'codex', 'gemini', 'opencode'];

/** What happens without a person, and the only value it may have yet. */
const UNATTENDED: ReservedKeys = { approve: 'stop', permission: 'deny', quota: 'park' };

/** A document without its reserved parts. */
export interface WithoutReserved {
  readonly document: Json;
  readonly removed: readonly Path[];
}

/**
 * Reports reserved grammar and takes it out of the document, so that nothing else trips over it.
 * `undefined`: there is so much of it that it is not worth going on.
 */
export function takeOutReserved(
  document: Json,
  locations: Locations,
  report: Report,
): WithoutReserved | undefined {
  const found: Path[] = [];
  const refuse: Refuse = (path, what, instead, remove = path) => {
    found.push(remove);
    report.add(locations.key(path), path, {
      code: 'ORCH_PLAN_NOT_YET',
      message: `not yet: ${what} is reserved and does not work in this version; ${instead}`,
    });
  };
  if (isObject(document)) {
    checkTop(document, refuse);
    checkEntries(document['gates'], ['gates'], checkGate, refuse);
    checkEntries(document['agents'], ['agents'], checkAgent, refuse);
    checkTasks(document, refuse);
  }
  if (found.length > MAX_PROBLEMS) return undefined;
  let rest = document;
  for (const path of found) rest = takeOut(rest, path)?.rest ?? rest;
  return { document: rest, removed: found };
}

type Refuse = (path: Path, what: string, instead: string, remove?: Path) => void;

function checkTop(document: JsonObject, refuse: Refuse): void {
  checkKeys(document, [], RESERVED_KEYS.plan, refuse);
  checkKeys(document['limits'], ['limits'], RESERVED_KEYS.limits, refuse);
  checkKeys(document['workspace'], ['workspace'], RESERVED_KEYS.workspace, refuse);
  checkKeys(document['deliver'], ['deliver'], RESERVED_KEYS.deliver, refuse);
  checkKeys(document['defaults'], ['defaults'], RESERVED_KEYS.defaults, refuse);
  const { defaults, unattended, waves } = document;
  if (isObject(defaults)) checkIsolation(defaults, ['defaults'], false, refuse);
  for (const [key, value] of Object.entries(isObject(unattended) ? unattended : {})) {
    const only = own(UNATTENDED, key);
    if (only === undefined || value === only || typeof value !== 'string') continue;
    refuse(['unattended', key], `unattended.${key}: ${quote(value)}`, `the only value is ${only}`);
  }
  for (const [index, wave] of (Array.isArray(waves) ? waves : []).entries()) {
    checkKeys(wave as Json, ['waves', index], RESERVED_KEYS.wave, refuse);
  }
}

function checkEntries(
  entries: Json | undefined,
  path: Path,
  check: (entry: JsonObject, path: Path, refuse: Refuse) => void,
  refuse: Refuse,
): void {
  for (const [name, entry] of Object.entries(isObject(entries) ? entries : {})) {
    if (isObject(entry)) check(entry, [...path, name], refuse);
  }
}

function checkGate(gate: JsonObject, path: Path, refuse: Refuse): void {
  for (const kind of ['judge', 'ast'] as const) {
    if (gate[kind] === undefined) continue;
    refuse([...path, kind], `a gate with ${kind}:`, RESERVED_KEYS.gate[kind], path);
    return;
  }
  checkKeys(gate, path, RESERVED_KEYS.gate, refuse);
}

function checkAgent(agent: JsonObject, path: Path, refuse: Refuse): void {
  const { use } = agent;
  if (typeof use === 'string' && RESERVED_DRIVERS.includes(use)) {
    refuse([...path, 'use'], `use: ${use}`, 'the drivers are claude and command', path);
    return;
  }
  checkKeys(agent, path, RESERVED_KEYS.agent, refuse);
}

function checkTasks(document: JsonObject, refuse: Refuse): void {
  const agents = isObject(document['agents']) ? document['agents'] : {};
  for (const { path, task } of rawTasks(document)) {
    checkKeys(task, path, RESERVED_KEYS.task, refuse);
    checkIsolation(task, path, task['run'] !== undefined || task['sh'] !== undefined, refuse);
    checkOutputForm(task['output'], [...path, 'output'], refuse);
    const { agent, inputs } = task;
    if (typeof agent === 'string' && RESERVED_DRIVERS.includes(agent) && !own(agents, agent)) {
      refuse([...path, 'agent'], `the agent ${agent}`, 'the built-in agent is claude');
    }
    if (Array.isArray(inputs)) {
      const instead = 'give values with inputs: { name: "${{ … }}" }';
      refuse([...path, 'inputs'], 'placing files (inputs: [{ from, to }])', instead);
    }
  }
}

function checkIsolation(task: JsonObject, path: Path, isCommand: boolean, refuse: Refuse): void {
  const { isolation } = task;
  if (typeof isolation !== 'string' || isolation === 'clone') return;
  if (isolation === 'none' && isCommand) return;
  const instead =
    isolation === 'none'
      ? 'only a command may run without a clone; use isolation: clone'
      : 'use isolation: clone';
  refuse([...path, 'isolation'], `isolation: ${quote(isolation)}`, instead);
}

function checkOutputForm(output: Json | undefined, path: Path, refuse: Refuse): void {
  if (!isObject(output)) return;
  if (output['junit'] !== undefined) {
    const instead = 'print JSON and declare { json: stdout }';
    refuse([...path, 'junit'], 'a JUnit output', instead, path);
    return;
  }
  const types: readonly string[] = TYPE_NAMES;
  for (const [name, field] of Object.entries(output)) {
    const file = isObject(field) && Object.keys(field).length === 1 ? field['file'] : undefined;
    if (typeof file === 'string' && !types.includes(file)) {
      const instead = 'let the task write it, and read it in the workspace';
      refuse([...path, name], 'a file as output', instead, path);
      return;
    }
  }
}

function checkKeys(
  value: Json | undefined,
  path: Path,
  reserved: ReservedKeys,
  refuse: Refuse,
): void {
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    const instead = own(reserved, key);
    if (instead !== undefined) refuse([...path, key], `${key}:`, instead);
  }
}
