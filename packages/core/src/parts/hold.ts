import { probeLevels, type Hold, type Probe } from '@orch/process';

/** What holds the processes of a run together, and what was passed over for it. */
export interface RunHold {
  readonly hold: Hold;
  /** Stronger levels, each with the reason why it is not used. */
  readonly passedOver: readonly { readonly level: Probe['level']; readonly reason: string }[];
}

/**
 * The strongest level that leaves agents the machine's own process numbers. In a PID namespace of its own
 * each agent is number 2 of its world, while it shares /tmp and the home directory with the others: names
 * made from `$$` collide, and whoever asks whether the owner of a lock file is alive asks the wrong world.
 * The level comes with the sandbox, which has directories of its own (docs/decisions/0008).
 */
export async function chooseHold(): Promise<RunHold> {
  const { all, best } = await probeLevels();
  const passedOver: { level: Probe['level']; reason: string }[] = [];
  for (const probe of all) {
    if (probe.level === 'pid namespace') {
      const reason = probe.works ? 'agents share files and need the same numbers' : probe.problem;
      passedOver.push({ level: probe.level, reason });
    } else if (probe.works) return { hold: probe.hold, passedOver };
    else passedOver.push({ level: probe.level, reason: probe.problem });
  }
  return { hold: best, passedOver };
}
