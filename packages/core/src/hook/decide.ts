/**
 * What `orch hook` loads once a hook matches.
 *
 * @module
 */
export { decide } from '@orch/hooks/decide';
