import type { Reporter } from 'vitest/node';

/** A skipped test is a failed one: what it should have seen, nobody has. */
export const complete: Reporter = {
	onTestCaseResult(test) {
		if (test.result().state !== 'skipped') return;
		console.error(`${test.fullName} is skipped`);
		process.exitCode = 1;
	},
};
