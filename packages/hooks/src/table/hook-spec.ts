import type { Json, JsonObject } from '../json.js';
import { isJsonObject, own } from '../json.js';

/** What a hook runs. Checked; `argv` is as written. */
export type HookSpec = CommandSpec | ShellSpec | WarmSpec | FunctionSpec | HttpSpec | NoticeSpec;

interface Common {
  /** Longest time for one event, in milliseconds. */
  readonly timeoutMs: number;
  /** Names of variables that it gets on top of the usual ones. */
  readonly env: readonly string[];
}
/** A process for each event: payload on stdin, answer on stdout. */
export interface CommandSpec extends Common {
  readonly kind: 'command';
  readonly argv: readonly [string, ...string[]];
}
/** A line for `/bin/sh -c`; runs only if exactly this line is allowed. */
export interface ShellSpec extends Common {
  readonly kind: 'shell';
  readonly line: string;
}
/** One process for all events: a JSON line in, a JSON line out. */
export interface WarmSpec extends Common {
  readonly kind: 'warm';
  readonly argv: readonly [string, ...string[]];
}
/** The default export of an `.mjs` module, in a thread of its own. */
export interface FunctionSpec extends Common {
  readonly kind: 'function';
  readonly module: string;
}
/** A POST of the payload to a loopback or allowed host. */
export interface HttpSpec extends Common {
  readonly kind: 'http';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}
/** Tells a person; never decides. Without `url` on this desktop, else a POST of `{text}` to a webhook. */
export interface NoticeSpec extends Common {
  readonly kind: 'notice';
  readonly url?: string;
}

export interface SpecFault {
  /** The key that is wrong; empty for the hook as a whole. */
  readonly key: string;
  readonly fault: string;
}

export const defaultTimeoutMs = 60_000;
const mostTimeoutMs = 24 * 60 * 60_000;

const keysOf: Readonly<Record<string, readonly string[]>> = {
  command: ['argv', 'command', 'args'],
  warm: ['argv'],
  function: ['module'],
  http: ['url', 'headers', 'allowedEnvVars'],
  desktop: [],
  webhook: ['url'],
};
const commonKeys = ['type', 'timeout', 'timeoutMs', 'env', 'statusMessage'];
/** Kinds and keys of Claude Code that change whether or how a hook decides: never left out silently. */
const notHere: Readonly<Record<string, string>> = {
  prompt: 'a model does not decide here; use a gate, or a command that asks one',
  agent: 'an agent does not decide here; use a gate, or a command that starts one',
  mcp_tool: 'tools of MCP servers are not called by hooks; use a command',
  if: 'rules inside a hook are not read; use a matcher, or let the hook look at tool_input',
  async: 'a hook that decides cannot do so afterwards; leave async out',
  asyncRewake: 'a hook that decides cannot do so afterwards; leave asyncRewake out',
  once: 'a hook runs each time; leave once out',
  shell: 'the shell is /bin/sh; leave shell out',
};

/** Reads one hook of a settings file: Claude Code's form, and ours. */
export function readHookSpec(value: Json): HookSpec | SpecFault {
  if (!isJsonObject(value)) return fault('', 'expected an object', value);
  const type = own(value, 'type');
  if (typeof type !== 'string' || !Object.hasOwn(keysOf, type)) {
    if (typeof type === 'string' && Object.hasOwn(notHere, type))
      return { key: 'type', fault: `${type}: ${notHere[type] ?? ''}` };
    return fault('type', `expected one of ${Object.keys(keysOf).join(', ')}`, type);
  }
  const allowed = [...commonKeys, ...(keysOf[type] ?? [])];
  for (const key of Object.keys(value)) {
    if (allowed.includes(key)) continue;
    // An `async: false` changes nothing.
    if (Object.hasOwn(notHere, key) && (value[key] === false || value[key] === undefined)) continue;
    return {
      key,
      fault: Object.hasOwn(notHere, key)
        ? (notHere[key] ?? '')
        : `is not a key of a ${type} hook; there are ${allowed.slice(1).join(', ')}`,
    };
  }
  const common = readCommon(value);
  if ('fault' in common) return common;
  switch (type) {
    case 'command':
      return readCommand(value, common);
    case 'warm': {
      const argv = readArgv(own(value, 'argv'), 'argv');
      return 'fault' in argv ? argv : { kind: 'warm', argv, ...common };
    }
    case 'function': {
      const module = own(value, 'module');
      return typeof module === 'string' && module.endsWith('.mjs') && !module.includes('\0')
        ? { kind: 'function', module, ...common }
        : fault('module', 'expected the path of an .mjs file', module);
    }
    case 'http':
      return readHttp(value, common);
    case 'webhook': {
      const url = readUrl(own(value, 'url'));
      return typeof url === 'string' ? { kind: 'notice', url, ...common } : url;
    }
    default:
      return { kind: 'notice', ...common };
  }
}

function readCommon(value: JsonObject): Common | SpecFault {
  const seconds = own(value, 'timeout');
  const milliseconds = own(value, 'timeoutMs');
  if (seconds !== undefined && milliseconds !== undefined)
    return {
      key: 'timeout',
      fault: 'timeout (seconds) and timeoutMs stand side by side; keep one',
    };
  const given = seconds ?? milliseconds;
  const factor = seconds === undefined ? 1 : 1000;
  if (
    given !== undefined &&
    !(typeof given === 'number' && given > 0 && given * factor <= mostTimeoutMs)
  )
    return seconds === undefined
      ? fault('timeoutMs', 'expected milliseconds, more than 0, at most a day', given)
      : fault('timeout', 'expected seconds, more than 0, at most a day', given);
  const timeoutMs = typeof given === 'number' ? Math.ceil(given * factor) : defaultTimeoutMs;
  const env = readNames(own(value, 'env'), 'env');
  return 'fault' in env ? env : { timeoutMs, env };
}

function readCommand(value: JsonObject, common: Common): CommandSpec | ShellSpec | SpecFault {
  const argv = own(value, 'argv');
  const command = own(value, 'command');
  const args = own(value, 'args');
  if (argv !== undefined && (command !== undefined || args !== undefined))
    return { key: 'argv', fault: 'argv and command stand side by side; keep one' };
  if (argv !== undefined) {
    const read = readArgv(argv, 'argv');
    return 'fault' in read ? read : { kind: 'command', argv: read, ...common };
  }
  if (typeof command !== 'string' || command === '' || command.includes('\0'))
    return fault('command', 'expected text, or argv instead', command);
  if (args === undefined) return { kind: 'shell', line: command, ...common };
  const read = readArgv(Array.isArray(args) ? [command, ...(args as Json[])] : args, 'args');
  return 'fault' in read ? read : { kind: 'command', argv: read, ...common };
}

function readHttp(value: JsonObject, common: Common): HttpSpec | SpecFault {
  const url = readUrl(own(value, 'url'));
  if (typeof url !== 'string') return url;
  const given = own(value, 'headers') ?? {};
  if (!isJsonObject(given)) return fault('headers', 'expected an object', given);
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, text] of Object.entries(given)) {
    if (!/^[A-Za-z0-9-]{1,100}$/.test(name) || typeof text !== 'string' || !/^[\t -~]*$/.test(text))
      return fault(
        'headers',
        'expected names of letters, digits and -, and values of one line',
        name,
      );
    headers[name] = text;
  }
  const names = readNames(own(value, 'allowedEnvVars'), 'allowedEnvVars');
  if ('fault' in names) return names;
  return { kind: 'http', url, headers, ...common, env: [...new Set([...common.env, ...names])] };
}

function readUrl(value: Json | undefined): string | SpecFault {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isPlain = url?.username === '' && url.password === '';
  if (!isPlain || !['http:', 'https:'].includes(url.protocol))
    return fault('url', 'expected an http or https address without a user', value);
  return url.href;
}

function readArgv(value: Json | undefined, key: string): [string, ...string[]] | SpecFault {
  const isArgv =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((part) => typeof part === 'string' && !part.includes('\0')) &&
    value[0] !== '';
  return isArgv
    ? (value as [string, ...string[]])
    : fault(key, 'expected a program and its arguments, each a text', value);
}

function readNames(value: Json | undefined, key: string): string[] | SpecFault {
  if (value === undefined) return [];
  const isNames =
    Array.isArray(value) &&
    value.every((name) => typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return isNames ? (value as string[]) : fault(key, 'expected a list of names of variables', value);
}

function fault(key: string, expected: string, received: unknown): SpecFault {
  const shown = received === undefined ? 'nothing' : JSON.stringify(received).slice(0, 80);
  return { key, fault: `${expected}, received ${shown}` };
}

/** What of a spec makes it the same hook as another: identical ones run once. */
export function identityOf(spec: HookSpec): string {
  switch (spec.kind) {
    case 'command':
    case 'warm':
      return JSON.stringify([spec.kind, ...spec.argv]);
    case 'shell':
      return JSON.stringify([spec.kind, spec.line]);
    case 'function':
      return JSON.stringify([spec.kind, spec.module]);
    default:
      return JSON.stringify([spec.kind, spec.url ?? '']);
  }
}
