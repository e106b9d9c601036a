"""The same requests answered by several samplers, tokens a second: `npm run bench -- generation`."""
