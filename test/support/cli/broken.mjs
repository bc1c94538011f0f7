throw new Error('cats are out');
