import type { Scenario, Scenarios } from '../scenario.js';

/**
 * Nothing of the skills extension is there, so nothing of it is asked for: the suite lets such a client pass, with no
 * check done.
 */
const leaveSkillsAlone: Scenario = async ({ connect }) => {
  const server = await connect();
  await server.resources();
  await server.close();
};

export const scenarios: Scenarios = {
  'sep-2640-client-no-prefetch': leaveSkillsAlone,
  'sep-2640-client-verify-digest': leaveSkillsAlone,
  'sep-2640-client-verify-size': leaveSkillsAlone,
  'sep-2640-client-verify-frontmatter': leaveSkillsAlone,
};
