/**
 * A person's yes to a plan, by which programs may start it.
 *
 * @module
 */
export { openPlanApprovals } from './plan-approvals.js';
export type { ApprovalScope, PlanApproval, PlanApprovals } from './plan-approvals.js';
export { requirePerson } from './person.js';
