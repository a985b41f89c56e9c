import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity } from '@orch/process';
import type { Repository } from '../repository/open.js';

/** A move of a checked-out branch that has begun. It stays until the move is finished. */
export interface DeliveryRecord {
  readonly target: string;
  readonly from: string;
  readonly to: string;
  readonly path: string;
  readonly gitDirectory: string;
  /** The process that began it. */
  readonly owner: ProcessIdentity | undefined;
}

/** Whether another process is at it right now. */
export function isUnderWay(record: DeliveryRecord): boolean {
  const { owner } = record;
  return owner !== undefined && owner.pid !== process.pid && isAlive(owner);
}

function fileOf(repository: Repository, target: string): string {
  const name = createHash('sha256').update(target).digest('hex').slice(0, 24);
  return join(repository.layout.deliveries, `${name}.json`);
}

export function readDelivery(repository: Repository, target: string): DeliveryRecord | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(repository, target), 'utf8')) as DeliveryRecord;
  } catch {
    return undefined;
  }
}

export function writeDelivery(repository: Repository, record: DeliveryRecord): void {
  const file = fileOf(repository, record.target);
  const descriptor = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeSync(descriptor, JSON.stringify(record));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.new`, file);
}

export function forgetDelivery(repository: Repository, target: string): void {
  rmSync(fileOf(repository, target), { force: true });
}
