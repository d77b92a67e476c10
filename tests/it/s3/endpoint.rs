//! As much of a web server as takes one request on each connection: in the place of whoever gives out credentials.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// What somebody asks for.
pub struct Request {
    pub head: String,
    pub body: String,
}

/// All of a request before its body; nothing where whoever came went away.
pub fn head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) | Err(_) => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn request(client: &mut TcpStream) -> Option<Request> {
    let head = head(client)?;
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().expect("a number"))];
    client.read_exact(&mut body).ok()?;
    Some(Request {
        head,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// The URL of a server that answers with the type and the text that `answer` makes of the number of a connection and what
/// is asked for there; or that hangs up, where it makes nothing of it.
pub fn serving(
    answer: impl Fn(usize, &Request) -> Option<(&'static str, String)> + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    // It ends with the tests.
    std::thread::spawn(move || {
        for (number, mut client) in listener.incoming().flatten().enumerate() {
            let asked = request(&mut client);
            let Some((kind, body)) = asked.and_then(|asked| answer(number, &asked)) else {
                continue;
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // Whoever went away asks again.
            let _ = client.write_all(answer.as_bytes());
        }
    });
    url
}
