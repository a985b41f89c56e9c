/**
 * What a person decides about servers, kept where no repository can write: which servers of a project may run, and
 * which definitions are the right ones.
 *
 * ```ts
 * import { createMcpHub } from '@orch/mcp';
 * import { openApprovals, openPins } from '@orch/mcp/safety';
 *
 * const approvals = openApprovals({ agentRoots: [project] });
 * const pins = { policy: 'block', store: openPins(), project } as const;
 * const hub = createMcpHub({ servers, approvals, pins, scan: 'block' });
 * ```
 *
 * Errors are `McpError`s.
 *
 * @module
 */
export {
  askAbout,
  openApprovals,
  whyUnapproved,
  type Approval,
  type ApprovalRequest,
  type ApprovalStore,
  type ServerOrigin,
} from './approval-store.js';
export type { ApprovedFile } from './approved-files.js';
export type { WrittenServer } from './written-server.js';
export {
  formatLock,
  openPins,
  readLock,
  type DefinitionLock,
  type PinnedPart,
  type PinStore,
} from './pin-store.js';
export type { DefinitionPart } from './definition-part.js';
export {
  formatChange,
  type DefinitionChange,
  type Difference,
  type PinnedDefinition,
} from './definition-pin.js';
export type {
  DefinitionReport,
  DefinitionReview,
  PinPolicy,
  PlacedFinding,
  Verdict,
} from './guard.js';
export type { Finding, FindingKind } from './scan.js';
