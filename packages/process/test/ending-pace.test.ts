import { expect, test } from 'vitest';
import { createProcessOwner } from '../src/index.js';
import { environment } from './witness.js';

test('a crowd that is deaf to TERM takes nobody behind it from being asked', async () => {
  const owner = createProcessOwner({ marker: `deaf-${process.pid}` });
  const order: string[] = [];
  const begin = async (name: string, script: string, count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      const argv = ['sh', '-c', `${script}; echo up; exec sleep 1000`] as const;
      const up = new Promise<void>((resolve) => {
        void owner
          .start({ argv, cwd: '/', env: environment, graceMs: 5000, onStdoutLine: () => resolve() })
          .then(({ ended }) => ended.then(() => order.push(name)));
      });
      await up;
    }
  };
  await begin('deaf', 'trap "" TERM', 140);
  await begin('willing', ':', 5);
  expect(await owner.endAll()).toEqual([]);
  expect(order.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'willing'));
  expect(order).toHaveLength(145);
  expect(await owner.close()).toEqual([]);
});
