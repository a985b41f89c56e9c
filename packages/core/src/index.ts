/**
 * The one place where settings become a wired orchestrator: drivers, workspaces, gates, journal and
 * processes of one repository. The CLI and the server are thin around it.
 *
 * ```ts
 * const orchestrator = await openOrchestrator({ directory: process.cwd(), environment: process.env });
 * const loaded = await loadPlan('orch.yaml', process.cwd(), {});
 * if (loaded.kind === 'graph') await orchestrator.run({ graph: loaded.graph });
 * await orchestrator.close();
 * ```
 *
 * @module
 */
export { openOrchestrator } from './orchestrator.js';
export type {
  Orchestrator,
  OrchestratorOptions,
  ResumeRunOptions,
  RunOptions,
  Watcher,
} from './orchestrator.js';
export type { Repository } from './repository.js';
export { runPreview } from './run-preview.js';
export type { RunPreview } from './run-preview.js';
export { readRehearsalScript } from './rehearsal/script.js';
export type { RehearsalScript } from './rehearsal/script.js';
export { CoreError } from './core-error.js';
export type { CoreErrorCode } from './core-error.js';
export { version } from './version.js';
export type { Graph } from '@orch/coordinator';
