import { attemptLog } from '../status/log.js';
import { findTask } from '../status/why.js';
import { openRepository } from '../repository.js';
import type { ServedTool } from '@orch/mcp/tool-server';
import { z } from 'zod';
import { findRecord, runShape } from './runs.js';
import type { RunRecord } from '../status/runs.js';
import { ArgumentError, defineTool, Said, type Desk } from './tool.js';

const recordChars = 2000;

function taskOf({ run, state }: RunRecord, wanted: string) {
  const task = findTask(state, wanted);
  if (task !== undefined) return task;
  const labels = Object.values(state.tasks).map(({ label }) => label);
  throw new ArgumentError(
    `Run ${run} has no task ${JSON.stringify(wanted)}. Its tasks: ${labels.slice(0, 20).join(', ')}${labels.length > 20 ? ', …' : ''}`,
  );
}

export const taskLogs = (desk: Desk): ServedTool =>
  defineTool({
    name: 'task_logs',
    title: 'What a task said and did',
    description: 'The last records of an attempt of a task: what its agent said, called and got.',
    shape: {
      task: z.string().min(1).describe('The task, as run_status names it'),
      ...runShape,
      attempt: z.int().min(1).optional().describe('Which attempt (default: the last)'),
      most: z.int().min(1).max(500).default(100).describe('This many records at most, the last'),
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
    async work({ task: wanted, run, attempt: number, most }) {
      const { record } = await findRecord(desk, run);
      const task = taskOf(record, wanted);
      const attempt = number ?? task.attempts.at(-1)?.attempt;
      if (attempt === undefined || !task.attempts.some((one) => one.attempt === attempt))
        throw new ArgumentError(
          `${task.label} has ${task.attempts.length === 0 ? 'no attempt yet' : `attempts 1 to ${task.attempts.length}`}.`,
        );
      const last: string[] = [];
      let count = 0;
      for await (const { at, kind, data } of attemptLog(record.layout, task.id, attempt)) {
        count += 1;
        const text = JSON.stringify(data);
        const cut = text.length > recordChars ? `${text.slice(0, recordChars)}…` : text;
        last.push(`${at.slice(11, 19)} ${kind} ${cut}`);
        if (last.length > most) last.shift();
      }
      const facts = {
        ...{ run: record.run, task: task.label, attempt, state: task.verdict ?? task.phase },
        ...{ records: count, shown: last.length, reasons: task.reasons },
      };
      return new Said(last.join('\n'), facts);
    },
  });

/** From where to where a run, or one of its tasks, came. */
function changeOf(record: RunRecord, wanted: string | undefined) {
  const { run, state } = record;
  if (wanted === undefined) {
    const to = state.delivery?.done?.commit ?? state.integration?.tip;
    if (to !== undefined) return { from: state.base, to };
    throw new ArgumentError(`Run ${run} has merged nothing yet. Name a task to see its result.`);
  }
  const task = taskOf(record, wanted);
  const { result } = task;
  const made = task.attempts.find(({ attempt }) => attempt === result?.attempt);
  if (result !== undefined && made !== undefined) return { from: made.base, to: result.commit };
  throw new ArgumentError(`${task.label} has no result: it is ${task.verdict ?? task.phase}.`);
}

export const runDiff = (desk: Desk): ServedTool =>
  defineTool({
    name: 'run_diff',
    title: 'What a run changed',
    description: 'The changes of a run against what it started from, or of one task, as a patch.',
    shape: {
      ...runShape,
      task: z.string().min(1).optional().describe('One task (default: all that was merged)'),
      most: z.int().min(1000).max(1_000_000).default(100_000).describe('Characters at most'),
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
    async work({ run, task, most }) {
      const { record } = await findRecord(desk, run);
      const { from, to } = changeOf(record, task);
      const repository = await openRepository(desk.directory, desk.environment);
      try {
        const patch = await repository.diff(from, to);
        const isCut = patch.length > most;
        const facts = {
          run: record.run,
          mode: record.state.mode,
          from,
          to,
          characters: patch.length,
        };
        return new Said(isCut ? patch.slice(0, most) : patch, {
          ...facts,
          ...(isCut && { cut: true, next: `git diff ${from} ${to}` }),
        });
      } finally {
        await repository.close();
      }
    },
  });
