import './client.css';

document.title = 'rzero';
