document.title = 'rzero';
