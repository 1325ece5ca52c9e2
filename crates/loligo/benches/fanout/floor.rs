//! The floor: a process that writes given bytes to each of its connections, one blocking write each, and does nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// What the floor's process does: its first connection says what is written to all later ones, until it ends.
pub fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    let (mut control, _) = listener.accept().expect("a connection");
    let mut followers = Vec::new();
    let mut bytes = Vec::new();
    loop {
        let mut length = [0; 4];
        if control.read_exact(&mut length).is_err() {
            return;
        }
        let length = u32::from_be_bytes(length) as usize;
        // Without bytes to write, one more connection is to come.
        if length == 0 {
            let (follower, _) = listener.accept().expect("a connection");
            follower.set_nodelay(true).expect("a socket option");
            followers.push(follower);
            continue;
        }
        bytes.resize(length, 0);
        control.read_exact(&mut bytes).expect("what is to be written");
        for follower in &mut followers {
            follower.write_all(&bytes).expect("an open connection");
        }
    }
}

/// That process; dropping this ends it.
pub struct Floor {
    child: Child,
    pub address: SocketAddr,
    control: TcpStream,
}

impl Floor {
    /// Starts it, ready to take so many connections.
    pub fn start(connections: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child =
            Command::new(program).arg("--floor").stdout(Stdio::piped()).spawn().expect("a process");
        let mut said = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().expect("its output"));
        std::io::BufRead::read_line(&mut out, &mut said).expect("its address");
        let address = said.trim().parse().expect("an address");
        let mut control = TcpStream::connect(address).expect("it listens");
        control.set_nodelay(true).expect("a socket option");
        control.write_all(&vec![0; 4 * connections]).expect("an open connection");
        Self { child, address, control }
    }

    /// Has it write this to each.
    pub fn write(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("a short message");
        self.control.write_all(&[&length.to_be_bytes()[..], bytes].concat()).expect("an open connection");
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
