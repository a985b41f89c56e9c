/**
 * Layered settings whose every value knows where it came from.
 *
 * @module
 */
export { createSettings, type Settings, type SettingsOptions } from './settings.js';
export type { Contribution, Explanation, Leaf, Loaded } from './loaded.js';
export type { Guard } from './guard.js';
export {
  usualTiers,
  type DirectorySource,
  type FileSource,
  type Format,
  type Origin,
  type Source,
  type Tier,
  type ValueSource,
} from './source.js';
export { formatProblem, type Problem, type ProblemCode } from './problem.js';
export { ConfigError, type ConfigErrorCode } from './config-error.js';
export { formatPath, parsePath, valueAt, type SettingPath } from './setting-path.js';
export {
  createKeyHelper,
  type KeyHelper,
  type KeyHelperOptions,
  type RunHelper,
} from './key-helper.js';
export type { SettingsWatch, WatchOptions } from './watch.js';
export type { Json, JsonObject } from './json.js';
