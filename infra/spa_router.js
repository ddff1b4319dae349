// What a browser opens is the dashboard, which knows its own pages by their paths; files have a dot in their names.
function handler(event) {
  var request = event.request;
  var name = request.uri.split("/").pop();
  if (request.uri !== "/auth-config" && name.indexOf(".") === -1) request.uri = "/index.html";
  return request;
}
