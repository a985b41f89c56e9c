/**
 * What is installed here, and what would apply to a run. Executes nothing from the repository.
 *
 * @module
 */
export { examine } from './examine.js';
export type { Finding, Report } from './examine.js';
