export const render = (figures: object): string => JSON.stringify(figures, null, 2);
