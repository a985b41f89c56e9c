import { expect, it } from 'vitest';
import { journalEvents, orch, startOrch } from '../harness/orch.js';
import { makeRepository } from '../harness/repository.js';
import { until } from '../harness/witness.js';

it('whoever is refused the lead leaves the leader’s processes alone', async () => {
  const repository = makeRepository();
  try {
    const tasks = Array.from({ length: 12 }, (_, index) => ({ id: `t${index}`, sh: 'sleep 0.5' }));
    repository.write({
      'orch.yaml': JSON.stringify({ version: 1, name: 'led', limits: { parallel: 2 }, tasks }),
    });
    const running = startOrch(repository, ['run', 'orch.yaml', '--yes']);
    await until('an agent was started', () =>
      journalEvents(repository).some((event) => event.type === 'workspace.prepared'),
    );
    const refused = [];
    // They come and go while the leader keeps starting processes.
    for (let round = 0; round < 3; round += 1) {
      refused.push(
        ...(await Promise.all([orch(repository, ['resume']), orch(repository, ['resume'])])),
      );
    }
    const { code, stdout } = await running.finished;
    expect(refused.filter((one) => one.code === 8).length).toBeGreaterThan(0);
    expect(stdout).toContain('12/12 succeeded');
    expect(code).toBe(0);
  } finally {
    repository.remove();
  }
});
