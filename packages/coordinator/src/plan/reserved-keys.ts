/**
 * Keys that are reserved and do not work in this version, and what to do instead. The test of this
 * table holds it against the JSON Schema: a key is in both or in neither.
 */
export type ReservedKeys = { readonly [key: string]: string };

const agentKeys: ReservedKeys = {
  skills: 'the skills of the repository load with project: memory',
  subagents: 'the agents of the repository load with project: memory',
  add_dirs: 'agents see their workspace only',
};

const settingKeys: ReservedKeys = {
  ...agentKeys,
  secrets:
    'agents get an allowlisted environment; put the value into an untracked file, name it in workspace: { copy: [FILE] }, and read it there',
  network: 'use deny: [WebFetch, WebSearch] to keep an agent off the web',
  tokens: 'limit with usd: and turns:',
};

export const RESERVED_KEYS = {
  plan: {
    derived: 'list the generated file in the writes: of one task only',
    notify: 'wait for `orch run` to end and act on its exit code',
    services: 'start what the tests need inside a gate or workspace.setup',
    repos: 'one plan works on one repository',
  },
  limits: { tokens: 'limit with usd:', quota: 'limit with usd:' },
  workspace: {
    setup_key: 'setup runs in every fresh workspace',
    cache: 'setup runs in every fresh workspace',
  },
  deliver: { pr: 'deliver a branch, and open the pull request from it' },
  gate: {
    parse: 'without it the exit code of the command decides',
    ast: 'run a linter: run: [npx, eslint, .]',
    judge: 'use a task with effect: none and an output, and an if: on what it says',
    agent: 'it belongs to judge:, which is reserved too',
    votes: 'it belongs to judge:, which is reserved too',
  },
  agent: agentKeys,
  defaults: settingKeys,
  task: {
    ...settingKeys,
    approve: 'end the plan here, and run a second plan after looking',
    loop: 'use gates: with retry: { gate: 4 }: findings go back to the same conversation',
    services: 'start what the tests need inside a gate or workspace.setup',
    repo: 'one plan works on one repository',
    plan: 'write the tasks into this plan',
    reads: 'a change anywhere in the base counts as a change',
    accept_risk: 'the combination it accepts cannot arise yet',
  },
  wave: { approve: 'end the plan here, and run a second plan after looking' },
} satisfies { readonly [place: string]: ReservedKeys };
