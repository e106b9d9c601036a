export const LIMITS = { characters: 4096 } as const;
