import base, { LOWEST_NEST } from './jest.config.js';

/**
 * The suites that depend on Nest, on the lowest versions of it that this package admits.
 *
 * @type {import('jest').Config}
 */
const { collectCoverageFrom: _collected, coverageThreshold: _threshold, ...config } = base;
export default { ...config, projects: LOWEST_NEST };
