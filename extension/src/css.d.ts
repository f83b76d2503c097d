// A style sheet is imported as its text: the bundler does that.
declare module '*.css' {
	const text: string;
	export default text;
}
