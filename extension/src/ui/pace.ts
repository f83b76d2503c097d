/** Work that takes this long, in milliseconds, is followed by a rest of so many times as long. */
const slow = 20;
const rest = 3;

/**
 * Makes of some work one that may be asked for at any time: it is done once a frame, and less often the longer it takes,
 * so that the page stays quick. Ends with its signal.
 */
export function paced(work: () => void, signal: AbortSignal): () => void {
	let due = false;
	let took = 0;
	const frame = () =>
		requestAnimationFrame(() => {
			due = false;
			if (signal.aborted) return;
			const start = performance.now();
			work();
			took = performance.now() - start;
		});
	return () => {
		if (due) return;
		due = true;
		if (took < slow) frame();
		else setTimeout(frame, rest * took);
	};
}
