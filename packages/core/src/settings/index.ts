/**
 * The settings of orch: what applies, who set it, what is wrong. Executes nothing from the repository.
 *
 * @module
 */
export { settingsIn, settingsJsonSchema } from './look.js';
export {
  formatProblem,
  type Explanation,
  type Leaf,
  type Origin,
  type Problem,
} from '@orch/config';
