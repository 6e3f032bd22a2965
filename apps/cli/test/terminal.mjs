// `node --import terminal.mjs …`: a process whose stderr is a terminal, 80 columns wide.
Object.defineProperties(process.stderr, { isTTY: { value: true }, columns: { value: 80 } });
