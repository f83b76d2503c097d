import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/browser/**/*.test.ts'],
		globalSetup: ['test/browser/build.ts'],
		fileParallelism: false, // browsers are large, and machines for tests are small
		testTimeout: 120_000,
		hookTimeout: 180_000,
		expect: { poll: { timeout: 30_000, interval: 50 } },
	},
});
