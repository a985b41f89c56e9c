import { isAbsolute, relative } from 'node:path';
import { oneLine } from '../excerpt.js';
import { asObject, asString, type JsonObject } from '../json.js';

/** Tools that change files: one kind of rule covers them all. */
const fileTools = new Set(['Edit', 'Write', 'MultiEdit', 'NotebookEdit']);

/** Tools that run commands. */
const shells = new Set(['Bash', 'PowerShell', 'Monitor']);

/** Tools that need a person. */
const personTools = new Set(['AskUserQuestion', 'EnterPlanMode', 'ExitPlanMode']);

/** Modes in which nothing is allowed that the rules do not allow. */
const strictModes = new Set(['default', 'manual', 'dontAsk', 'plan']);

/** Characters of a command that a plan can be asked to spell out. */
const longestRule = 1000;

/** Why a tool call that no rule allows is refused, in words for the agent and for the author of the plan. */
export function refusalOf(request: JsonObject, cwd: string): string {
  const tool = asString(request['tool_name']) ?? 'unknown';
  if (personTools.has(tool)) {
    return 'no person is here to answer: decide yourself, and say in your answer what you assumed';
  }
  const because = asString(request['decision_reason']);
  const input = asObject(request['input']) ?? {};
  return `not allowed by the plan: add ${JSON.stringify(ruleFor(tool, input, cwd))} to allow:${because === undefined ? '' : ` (${oneLine(because, 200)})`}`;
}

/**
 * Why a tool call may not even be checked against the rules, if so. A sub-agent whose definition says
 * `permissionMode: acceptEdits` changes files that no rule allows; in such a mode only tools count that
 * are allowed as a whole.
 */
export function refusalOfMode(input: JsonObject, allow: readonly string[]): string | undefined {
  const mode = asString(input['permission_mode']);
  const tool = asString(input['tool_name']) ?? 'unknown';
  if (mode === undefined || strictModes.has(mode)) return undefined;
  if (mode === 'acceptEdits' && !fileTools.has(tool) && !shells.has(tool)) return undefined;
  const wanted = fileTools.has(tool) ? [...fileTools] : [tool];
  if (wanted.some((name) => allow.includes(name))) return undefined;
  const agent = asString(input['agent_type']) ?? 'agent';
  return `not allowed by the plan: ${agent} works in mode ${mode}, which goes beyond the rules; take permissionMode out of its definition, or add ${JSON.stringify(wanted[0])} to allow:`;
}

/** The narrowest rule that would allow the call. */
function ruleFor(tool: string, input: JsonObject, cwd: string): string {
  const command = asString(input['command']);
  if (tool === 'Bash' && command !== undefined) {
    // What is expanded later, or leads into and out of files, is covered by no narrower rule. Any other
    // command is by its own text, over several lines too; by its first word it often is not.
    const narrow = !/[$`<>]/.test(command) && command.length <= longestRule;
    return narrow ? `Bash(${command.trim()})` : tool;
  }
  const path = asString(input['file_path']) ?? asString(input['notebook_path']);
  if (path !== undefined && (fileTools.has(tool) || tool === 'Read')) {
    const inside = relative(cwd, path);
    const outside = inside.startsWith('..') || isAbsolute(inside);
    return `${tool === 'Read' ? 'Read' : 'Edit'}(${outside ? `/${path}` : `./${inside}`})`;
  }
  const url = asString(input['url']);
  if (tool === 'WebFetch' && url !== undefined && URL.canParse(url)) {
    return `WebFetch(domain:${new URL(url).hostname})`;
  }
  const skill = asString(input['skill']);
  return tool === 'Skill' && skill !== undefined ? `Skill(${skill})` : tool;
}

/**
 * Rules as Claude Code obeys them. It looks at `Edit(path)` rules alone for every tool that changes a
 * file, silently ignores `Write(path)`, and takes a bare `Edit` or `Write` as leave to write anywhere on
 * the machine. So a bare one becomes the working directories, and a path rule of any of them `Edit(path)`.
 */
export function scopeAllowRules(
  rules: readonly string[],
  directories: readonly string[],
): string[] {
  const scoped = rules.flatMap((rule) => {
    const [, tool = '', path] = /^(\w+)(?:\((.*)\))?$/s.exec(rule) ?? [];
    if (!fileTools.has(tool)) return [rule];
    if (path !== undefined) return [`Edit(${path})`];
    return ['Edit(./**)', ...directories.map((directory) => `Edit(/${directory}/**)`)];
  });
  return [...new Set(scoped)];
}

/** A path rule of any tool that changes files forbids it to all of them; a bare one takes away that tool. */
export function scopeDenyRules(rules: readonly string[]): string[] {
  const scoped = rules.map((rule) => {
    const [, tool = '', path] = /^(\w+)\((.*)\)$/s.exec(rule) ?? [];
    return fileTools.has(tool) && path !== undefined ? `Edit(${path})` : rule;
  });
  return [...new Set(scoped)];
}
