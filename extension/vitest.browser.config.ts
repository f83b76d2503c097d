import { defineConfig } from 'vitest/config';
import { complete } from './test/complete.ts';

export default defineConfig({
	test: {
		include: ['test/browser/**/*.test.ts'],
		reporters: ['default', complete],
		globalSetup: ['test/browser/build.ts'],
		fileParallelism: false, // browsers are large, and machines for tests are small
		testTimeout: 120_000,
		hookTimeout: 180_000,
		retry: 1, // a browser that a small machine starves is no fault of limn's; vitest says which test it ran twice
		expect: { poll: { timeout: 30_000, interval: 50 } },
	},
});
