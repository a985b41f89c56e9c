import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from '../src/index.js';

const program = join(import.meta.dirname, 'testdata', 'append-until-killed.mjs');

export interface KillPlan {
  /** The compiled package. */
  readonly module: string;
  /** Where the files are; must be empty. */
  readonly directory: string;
  /** `none`: not this package, but a plain append for each record. */
  readonly access: Access | 'none';
  /** Processes at a time. */
  readonly writers: number;
  readonly kills: number;
  readonly leastBytes: number;
  readonly mostBytes: number;
  readonly rotateBytes?: number;
  /** The file is read, checked and removed after so many kills, so that the disk stays small. */
  readonly killsPerFile: number;
}

export interface KillCount {
  kills: number;
  acknowledged: number;
  /** Acknowledged, and not a line of its own in any file. */
  lost: string[];
  /** Lines that are no JSON: what a process was writing when it was killed. */
  torn: number;
  /** Files that were rotated. */
  rotated: number;
}

/** Runs one process until it has acknowledged a record and some random time more, and kills it with -9. */
function runAndKill(plan: KillPlan, path: string, name: string): Promise<string[]> {
  const { module, access, leastBytes, mostBytes, rotateBytes } = plan;
  const sizes = [leastBytes, mostBytes, ...(rotateBytes === undefined ? [] : [rotateBytes])];
  const child = spawn(
    process.execPath,
    [program, module, path, access, name, ...sizes.map(String)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    let output = '';
    let problems = '';
    let timer: NodeJS.Timeout | undefined;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * 30);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (problems += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1));
      else reject(new Error(`${name} ended with ${code ?? signal}: ${problems}`));
    });
  });
}

/** Counts as most programs read: one JSON.parse for each line, and nothing recovered. */
function check(directory: string, acknowledged: readonly string[], count: KillCount): void {
  const found = new Set<string>();
  for (const name of readdirSync(directory)) {
    if (name !== 'a.jsonl') count.rotated += 1;
    const bytes = readFileSync(join(directory, name));
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(10, start);
      const end = newline === -1 ? bytes.length : newline;
      if (end > start) {
        try {
          found.add((JSON.parse(bytes.toString('utf8', start, end)) as { id: string }).id);
        } catch {
          count.torn += 1;
        }
      }
      start = end + 1;
    }
    rmSync(join(directory, name));
  }
  count.acknowledged += acknowledged.length;
  count.lost.push(...acknowledged.filter((id) => !found.has(id)));
}

/** Kills writers of one file at random moments, starts others in their place, and counts what is missing. */
export async function killWriters(plan: KillPlan): Promise<KillCount> {
  const count: KillCount = { kills: 0, acknowledged: 0, lost: [], torn: 0, rotated: 0 };
  const path = join(plan.directory, 'a.jsonl');
  while (count.kills < plan.kills) {
    const acknowledged: string[] = [];
    let left = Math.min(plan.killsPerFile, plan.kills - count.kills);
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        acknowledged.push(...(await runAndKill(plan, path, `${count.kills}.${left}`)));
      }
    };
    const before = left;
    await Promise.all(Array.from({ length: plan.writers }, lane));
    count.kills += before;
    check(plan.directory, acknowledged, count);
  }
  return count;
}
